"""Helpers that the tests share. They use the servers of `zoo`; `zoo` imports nothing from here."""
