"""verl: global_step_N/actor with FSDP shards or Megatron's, and perhaps a Hugging Face model.

The order of writing is actor, critic, data.pt, then latest_checkpointed_iteration.txt next to the
steps. The tracker may name a newer step after rotation has emptied this one, so the weight rule
applies as well. `actor/huggingface` is always there, but holds weights only on request.
"""

import re
from pathlib import Path

from evalsvc.checkpoints.files import read_object
from evalsvc.checkpoints.inspection import CONFIG, tokenizer_files
from evalsvc.checkpoints.weights import check_zip
from evalsvc.errors import CheckpointError
from evalsvc.trainers.layouts.base import (
    Layout,
    StepSnapshot,
    incomplete,
    inspect_model,
    marker_step,
)

TRACKER = "latest_checkpointed_iteration.txt"
MEGATRON_MARKER = "ckpt_contents.json"  # written last, also by asynchronous saves
FSDP, MEGATRON = "fsdp", "megatron"


def inspect_step(step: int, folder: Path) -> StepSnapshot:
    actor = folder / "actor"
    tracker = marker_step(folder.parent / TRACKER)
    if not actor.is_dir():
        if tracker is not None and tracker > step and (folder / "data.pt").exists():
            reason = "rotation has removed its actor and left the rest"
            return StepSnapshot(step, folder, complete=False, rotated=True, reason=reason)
        return incomplete(step, folder, "it holds no actor yet")
    certain = (actor / MEGATRON_MARKER).exists()
    if not certain and (tracker is None or tracker < step):
        return incomplete(
            step, folder, f"{TRACKER} names {tracker if tracker is not None else 'none'}"
        )
    model = huggingface_folder(actor)
    if any(model.glob("*.safetensors*")):
        return inspect_model(step, folder, model, certain=certain)
    try:
        kind = sharded_kind(actor)
        read_object(model / CONFIG)
        tokenizer_files(model)
    except CheckpointError as error:
        return incomplete(step, folder, str(error))
    return StepSnapshot(step, folder, complete=True, certain=certain, model=actor, merge=kind)


def huggingface_folder(actor: Path) -> Path:
    """The folder of configuration, tokenizer and perhaps weights; Megatron has two layouts."""
    second = actor / "model" / "huggingface"
    return second if second.is_dir() else actor / "huggingface"


def sharded_kind(actor: Path) -> str:
    """Which merger the complete shards in `actor` need. Raises CheckpointError if they are not."""
    if (actor / MEGATRON_MARKER).exists() or (actor / "dist_ckpt").is_dir():
        return MEGATRON
    size = read_object(actor / "fsdp_config.json").get("world_size")
    if type(size) is not int or not 1 <= size <= 100_000:
        raise CheckpointError(f"{actor / 'fsdp_config.json'} names no world_size.")
    expected = {f"model_world_size_{size}_rank_{rank}.pt" for rank in range(size)}
    found = {path.name for path in actor.glob("model_world_size_*_rank_*.pt")}
    if missing := expected - found:
        raise CheckpointError(f"{len(missing)} of {size} ranks have not written their weights yet.")
    for name in sorted(expected):
        check_zip(actor / name)
    return FSDP


VERL = Layout(
    "verl",
    re.compile(r"global_step_(\d{1,12})"),
    inspect_step,
    signs=(TRACKER, "global_step_*/actor", "global_step_*/data.pt"),
)
