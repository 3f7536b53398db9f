"""Tiny checkpoints of several architectures, with random weights, for the demo's tokenizer."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from evalsvc.checkpoints import inspect_checkpoint
from evalsvc.demo.model import CONTEXT, save
from evalsvc.demo.tokenizer import ASSISTANT, END, PAD, build_tokenizer
from evalsvc.demo.vision import build_vision_model, save_vision
from evalsvc.specs import CheckpointSpec

# By name: model type, whether the head is tied to the embedding, and what else its config needs.
ARCHITECTURES: dict[str, tuple[str, bool, dict[str, Any]]] = {
    "llama-tied": ("llama", True, {}),
    "llama-untied": ("llama", False, {}),
    "qwen2-tied": ("qwen2", True, {}),
    "qwen2-untied": ("qwen2", False, {}),
    "qwen3-untied": ("qwen3", False, {"head_dim": 32}),
    "gemma-tied": ("gemma", True, {"head_dim": 32, "hidden_activation": "gelu_pytorch_tanh"}),
}


def architecture_checkpoint(folder: Path, architecture: str, seed: int) -> CheckpointSpec:
    """A checkpoint of one of ARCHITECTURES, or the vision model; every tensor depends on `seed`."""
    if architecture == "qwen2.5-vl":
        model = build_vision_model(seed)
        randomise(model, seed)
        save_vision(model, folder)
    else:
        model = architecture_model(architecture, seed)
        randomise(model, seed)
        save(model, folder)
    return inspect_checkpoint(folder)


def architecture_model(architecture: str, seed: int, **changes: Any) -> Any:
    """A model of one of ARCHITECTURES for the demo's tokenizer, with its initial weights."""
    model_type, tied, more = ARCHITECTURES[architecture]
    tokenizer = build_tokenizer(CONTEXT)
    number = tokenizer.convert_tokens_to_ids
    settings = {
        "vocab_size": len(tokenizer),
        "hidden_size": 128,
        "intermediate_size": 256,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": CONTEXT,
        "tie_word_embeddings": tied,
        "bos_token_id": number(ASSISTANT),
        "eos_token_id": number(END),
        "pad_token_id": number(PAD),
        **more,
        **changes,
    }
    torch.manual_seed(seed)
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(model_type, **settings))


def randomise(model: Any, seed: int) -> None:
    """Make every tensor depend on `seed`, norms and biases too, and strong enough to matter.

    Gemma scales its embedding, which is also its head: unless it is made small, each token predicts
    itself.
    """
    generator = torch.Generator().manual_seed(seed)
    strength, table = (9, 0.1) if model.config.model_type == "gemma" else (3, 1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 1:
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.add_(0.1 * noise.to(parameter.dtype))
            elif "layers" in name or "visual" in name:
                parameter.mul_(strength)
            elif "embed_tokens" in name:
                parameter.mul_(table)
