"""Numeric limits of checkpoint folders that a user can meet.

docs/limits.md lists them; a test compares the two.
"""

#: The header of a safetensors file: the reference implementation's own limit.
MAX_HEADER_BYTES = 100_000_000
#: A JSON file of a checkpoint; the index of a very large model has a few MiB.
MAX_JSON_BYTES = 100 * 2**20
