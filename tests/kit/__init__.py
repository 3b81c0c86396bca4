"""Contains the helpers that tests, demo and benchmark share.

Does not know: `program`.
"""
