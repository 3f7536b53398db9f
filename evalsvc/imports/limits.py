"""Numeric limits of imported files that a user can meet.

docs/limits.md lists them; a test compares the two.
"""

#: One line of a JSON Lines file.
MAX_LINE_BYTES = 64 * 1024 * 1024
