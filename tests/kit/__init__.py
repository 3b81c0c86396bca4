"""Helpers that tests, demo and benchmark share. Imports `zoo`, and nothing of `program`."""
