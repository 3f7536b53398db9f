"""Tiny checkpoints with random weights that real engines load."""

from pathlib import Path

import torch

from evalsvc.checkpoints import inspect_checkpoint
from evalsvc.demo.model import build_model, save
from evalsvc.demo.vision import build_vision_model, save_vision
from evalsvc.specs import CheckpointSpec


def random_checkpoint(folder: Path, seed: int) -> CheckpointSpec:
    """A Llama of half a million parameters; only the layers' weights depend on `seed`.

    The embeddings are the same for every seed, so that a swap which exchanged only the embeddings,
    or all but them, would be noticed.
    """
    model = build_model(seed)
    with torch.no_grad():
        model.get_input_embeddings().weight.copy_(build_model(99).get_input_embeddings().weight)
        for name, parameter in model.named_parameters():
            if "layers" in name:
                parameter.mul_(3)  # random weights are too small to shape an answer
    save(model, folder)
    return inspect_checkpoint(folder)


def random_vision_checkpoint(folder: Path, seed: int) -> CheckpointSpec:
    """A Qwen2.5-VL of under a million parameters whose answers depend on what it is shown."""
    model = build_vision_model(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "layers" in name or "visual" in name:
                parameter.mul_(3)
    save_vision(model, folder)
    return inspect_checkpoint(folder)
