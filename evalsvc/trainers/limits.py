"""Numeric limits of the hooks that a user can meet.

docs/limits.md lists them; a test compares the two.
"""

#: Checkpoints that wait for the hook to pin them.
MAX_QUEUED = 256
#: Pinned checkpoints that wait for the server.
MAX_WAITING = 16
#: Time that a save waits for the hook.
LONGEST_BLOCK_SECONDS = 0.9
#: Refused announcements that are kept on disk.
MAX_REFUSED = 100
