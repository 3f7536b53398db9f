"""Numeric limits of benchmark data that a user can meet.

docs/limits.md lists them; a test compares the two.
"""

#: Pixels of a picture.
MAX_PIXELS = 50_000_000
#: Size of a picture file.
MAX_PICTURE_BYTES = 64 * 2**20
#: Size of a data file.
MAX_FILE_BYTES = 4 * 2**30
#: The id of a problem.
MAX_ID_CHARACTERS = 200
