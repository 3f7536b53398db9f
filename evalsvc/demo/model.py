"""The demo's model: a Llama of about half a million parameters, with random or trained weights."""

from pathlib import Path
from typing import Any

from evalsvc.demo.tokenizer import ASSISTANT, END, PAD, build_tokenizer

CONTEXT = 8192  # characters: the longest problem of the seven benchmarks has about 4,900
HEAD_SIZE = 32  # vLLM's attention on the CPU takes no smaller head


def build_model(seed: int, layers: int = 2, heads: int = 4) -> Any:
    """A LlamaForCausalLM with random weights that depend on `seed` only."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = build_tokenizer(CONTEXT)
    width = heads * HEAD_SIZE
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=width,
            intermediate_size=4 * width,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            num_key_value_heads=heads,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.convert_tokens_to_ids(ASSISTANT),
            eos_token_id=tokenizer.convert_tokens_to_ids(END),
            pad_token_id=tokenizer.convert_tokens_to_ids(PAD),
        )
    )


def save(model: Any, folder: Path) -> None:
    """Write a complete Hugging Face checkpoint."""
    model.save_pretrained(folder)
    build_tokenizer(CONTEXT).save_pretrained(folder)
