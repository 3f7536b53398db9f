"""Faults of a checkpoint that an engine has loaded, with the same messages for every engine."""

from collections.abc import Iterable

from evalsvc.errors import CheckpointError
from evalsvc.specs import CheckpointSpec

MOST_NAMED = 5


def named(names: Iterable[str]) -> str:
    """The first few names, and the number of the others."""
    found = sorted(names)
    more = len(found) - MOST_NAMED
    return ", ".join(found[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def diverged(checkpoint: CheckpointSpec, tensors: Iterable[str]) -> CheckpointError:
    return CheckpointError(
        f"{checkpoint.path}: weights contain NaN or infinity in {named(tensors)}: the training "
        "has diverged.",
        "Evaluate an earlier step.",
    )


def incomplete(checkpoint: CheckpointSpec, parameters: Iterable[str]) -> CheckpointError:
    return CheckpointError(
        f"{checkpoint.path} has no tensor, or not one of the right shape, for {named(parameters)} "
        f"of {checkpoint.architecture}: the model would answer with random weights there.",
        "Save the whole model; check `tie_word_embeddings` and the layers' names.",
    )


def left_over(checkpoint: CheckpointSpec, tensors: Iterable[str]) -> CheckpointError:
    return CheckpointError(
        f"{checkpoint.path} holds {named(tensors)}, which {checkpoint.architecture} does not have; "
        "it would be left out.",
        "Check `architectures` and the sizes in config.json, or remove those tensors.",
    )
