"""Numeric limits of a server's start that a user can meet.

docs/limits.md lists them; a test compares the two.
"""

#: Newest evaluations whose counts are read after a start.
MAX_READ_AHEAD = 500
