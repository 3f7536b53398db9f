"""Checkpoints of Qwen2.5-7B's shape with random weights, for a machine that has no trained ones.

    python -m bench.random_qwen FOLDER ...

They answer nothing correctly and never end an answer before its limit, but cost an engine exactly
what a trained 7B model costs: 15.2 GB of bfloat16 each, and a vocabulary of 152,064 tokens whose
words have realistic lengths. The tokenizer splits prompts into bytes.
"""

import sys
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, Qwen2Config

CONTEXT = 32768
TOKENS = 151_665  # further rows of the model are padding, as in the original
END, TURN, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SHAPE: dict[str, Any] = {
    "vocab_size": 152_064,
    "hidden_size": 3584,
    "intermediate_size": 18_944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "max_position_embeddings": CONTEXT,
    "rope_theta": 1_000_000.0,
    "tie_word_embeddings": False,
}


def build_tokenizer() -> PreTrainedTokenizerFast:
    """All bytes, then words that occur in answers but never in a tokenized prompt."""
    special = (END, TURN, TURN_END)
    symbols = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [f"Ġ{number:x}" for number in range(TOKENS - len(symbols) - len(special))]
    vocabulary = {token: number for number, token in enumerate((*symbols, *words))}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=END,
        additional_special_tokens=[TURN, TURN_END],
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = TEMPLATE
    return fast


def save_checkpoint(folder: Path, seed: int, device: str) -> Path:
    """Write a complete Hugging Face checkpoint; its weights depend on `seed` and the device."""
    torch.manual_seed(seed)
    tokenizer = build_tokenizer()
    config = Qwen2Config(**SHAPE, eos_token_id=tokenizer.convert_tokens_to_ids(END))
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def main() -> None:
    for seed, folder in enumerate(sys.argv[1:]):
        save_checkpoint(Path(folder), seed, "cuda")
        print(f"{folder} is there", flush=True)


if __name__ == "__main__":
    main()
