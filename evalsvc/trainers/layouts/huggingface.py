"""Trainers that write Hugging Face folders: plain ones, TRL, OpenRLHF, SkyRL, slime.

None of them renames a finished folder into place, and an index is written after its shards. So the
weight rule decides, together with the trainer's own marker where it has one.
"""

import re
from pathlib import Path

from evalsvc.trainers.layouts.base import (
    Layout,
    StepSnapshot,
    incomplete,
    inspect_model,
    marker_step,
)


def _plain(step: int, folder: Path) -> StepSnapshot:
    return inspect_model(step, folder, folder)


def _trl(step: int, folder: Path) -> StepSnapshot:
    """transformers writes trainer_state.json after weights, optimizer and random states."""
    if not (folder / "trainer_state.json").exists():
        return incomplete(
            step, folder, "trainer_state.json, which is written last, is not there yet"
        )
    return inspect_model(step, folder, folder)


def _openrlhf(step: int, folder: Path) -> StepSnapshot:
    """`_actor/TAG` is DeepSpeed's state; the model is `TAG_hf`, written after it and on request."""
    if not folder.name.endswith("_hf"):
        reason = "no Hugging Face model next to it yet; OpenRLHF writes one with --save_hf_ckpt"
        return incomplete(step, folder, reason)
    return inspect_model(step, folder, folder)


def _skyrl(step: int, folder: Path) -> StepSnapshot:
    """Models are in `policy/`; the tracker is next to the training state, not to the exports."""
    tracker = marker_step(folder.parent / "latest_ckpt_global_step.txt")
    if tracker is not None and tracker < step:
        return incomplete(step, folder, f"the tracker still names step {tracker}")
    model = folder / "policy"
    if not (model / "config.json").exists():
        reason = "no Hugging Face model in it yet; SkyRL exports one with trainer.hf_save_interval"
        return incomplete(step, folder, reason)
    return inspect_model(step, folder, model)


def _slime(step: int, folder: Path) -> StepSnapshot:
    """The tracker is written before the Hugging Face folder of `--save-hf`: both must be there."""
    if not (folder / "config.json").exists():
        reason = "no Hugging Face model in it yet; slime writes one with --save-hf"
        return incomplete(step, folder, reason)
    return inspect_model(step, folder, folder)


HF = Layout("hf", re.compile(r"(?!tmp|old)(?:\w[\w-]*[-_])?(\d{1,12})"), _plain)
TRL = Layout("trl", re.compile(r"checkpoint-(\d{1,12})"), _trl, signs=("checkpoint-*",))
OPENRLHF = Layout(
    "openrlhf",
    re.compile(r"global_step(\d{1,12})(?:_hf)?"),
    _openrlhf,
    parents=("", "_actor"),
    signs=("_actor", "global_step*_hf"),
)
SKYRL = Layout(
    "skyrl",
    re.compile(r"global_step_(\d{1,12})"),
    _skyrl,
    parents=("", "exports"),
    signs=("latest_ckpt_global_step.txt", "global_step_*/policy"),
)
SLIME = Layout(
    "slime",
    re.compile(r"iter_(\d{1,12})"),
    _slime,
    parents=("", "hf"),
    signs=("iter_*", "hf/iter_*"),
)
