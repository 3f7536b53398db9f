"""Numeric limits of the commands that a user can meet.

docs/limits.md lists them; a test compares the two.
"""

#: Evaluations in one export.
MAX_EXPORTED = 500
