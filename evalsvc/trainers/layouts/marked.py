"""Trainers that mark a finished checkpoint: prime-rl and NeMo-RL."""

import re
from pathlib import Path

from evalsvc.trainers.layouts.base import Layout, StepSnapshot, incomplete, inspect_model


def _prime_rl(step: int, folder: Path) -> StepSnapshot:
    """The master touches STABLE after every rank has written."""
    if not (folder / "STABLE").exists():
        return incomplete(step, folder, "STABLE, which is written last, is not there yet")
    return inspect_model(step, folder, folder, certain=True)


def _nemo_rl(step: int, folder: Path) -> StepSnapshot:
    """Written as tmp_step_N and renamed: step_N is complete, but may still need converting."""
    weights = "policy/weights"
    for name in ("hf", f"{weights}/model/consolidated", f"{weights}/model", weights):
        if (folder / name / "config.json").exists():
            return inspect_model(step, folder, folder / name, certain=name != "hf")
    return incomplete(
        step,
        folder,
        "it holds no Hugging Face model: convert it into its folder `hf` with NeMo-RL's "
        "convert_dcp_to_hf.py, or set checkpointing.save_consolidated",
    )


PRIME_RL = Layout(
    "prime-rl",
    re.compile(r"step_(\d{1,12})"),
    _prime_rl,
    parents=("", "broadcasts", "weights"),
    signs=("broadcasts", "step_*/STABLE", "weights/step_*"),
)
NEMO_RL = Layout(
    "nemo-rl",
    re.compile(r"step_(\d{1,12})"),
    _nemo_rl,
    signs=("step_*/training_info.json", "step_*/policy", "tmp_step_*"),
)
