"""Checkpoints on disk: completeness, identity, and how to keep them.

Deliberately light (standard library and `evalsvc.specs`): the trainers' hooks, the watcher, the
server and the worker share this one definition of a checkpoint. Nothing here imports torch,
unpickles or runs anything: every file is read as untrusted bytes, under size caps.
"""

from evalsvc.checkpoints.inspection import check_complete, checkpoint_notes, inspect_checkpoint
from evalsvc.checkpoints.pinning import pin, unpin
from evalsvc.checkpoints.weights import WeightFiles, find_weights

__all__ = [
    "WeightFiles",
    "check_complete",
    "checkpoint_notes",
    "find_weights",
    "inspect_checkpoint",
    "pin",
    "unpin",
]
