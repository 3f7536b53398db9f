"""Tiny checkpoints with random weights that real engines load."""

from pathlib import Path

import torch

from evalsvc.checkpoints import inspect_checkpoint
from evalsvc.demo.model import build_model, save
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
