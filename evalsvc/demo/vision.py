"""The demo's vision-language model: a Qwen2.5-VL of under a million parameters.

Its tokenizer is the demo's, of characters, with the marks for pictures; its image processor is
Qwen's own, which shrinks every picture to at most 64 places of 28 x 28 pixels. So it takes the same
way through every engine as the real model, in milliseconds.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evalsvc.demo.model import CONTEXT, HEAD_SIZE
from evalsvc.demo.tokenizer import ASSISTANT, END, PAD, build_tokenizer
from evalsvc.errors import UsageError
from evalsvc.worker.vision_shim import REMEDY, problem

VISION_START, VISION_END, IMAGE, VIDEO = (
    "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip
PATCH, MERGE = 14, 2
PLACE = PATCH * MERGE  # pixels along a side of what becomes one token
MIN_PIXELS, MAX_PIXELS = 4 * PLACE**2, 64 * PLACE**2
TEMPLATE = (
    "{% for message in messages %}<{{ message.role }}>"
    "{% if message.content is string %}{{ message.content }}"
    "{% else %}{% for part in message.content %}"
    "{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part.type == 'text' %}{{ part.text }}{% endif %}"
    "{% endfor %}{% endif %}<end>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def build_vision_tokenizer() -> Any:
    """The demo's tokenizer with tokens for pictures and a template that places them."""
    tokenizer = build_tokenizer(CONTEXT)
    marks = [VISION_START, VISION_END, IMAGE, VIDEO]
    tokenizer.add_special_tokens({"additional_special_tokens": marks}, False)
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def build_processor() -> Any:
    """Qwen2.5-VL's own processor around the demo's tokenizer. Needs torchvision."""
    from transformers import Qwen2_5_VLProcessor, Qwen2VLImageProcessor, Qwen2VLVideoProcessor

    tokenizer = build_vision_tokenizer()
    sizes = {"min_pixels": MIN_PIXELS, "max_pixels": MAX_PIXELS}
    return Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(**sizes),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(**sizes),
        chat_template=tokenizer.chat_template,
    )


def build_vision_model(seed: int, layers: int = 2, heads: int = 4) -> Any:
    """A Qwen2_5_VLForConditionalGeneration with random weights that depend on `seed` only."""
    import torch
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    tokenizer = build_vision_tokenizer()
    number = tokenizer.convert_tokens_to_ids
    width = heads * HEAD_SIZE
    torch.manual_seed(seed)
    return Qwen2_5_VLForConditionalGeneration(
        Qwen2_5_VLConfig(
            text_config={
                "vocab_size": len(tokenizer),
                "hidden_size": width,
                "intermediate_size": 4 * width,
                "num_hidden_layers": layers,
                "num_attention_heads": heads,
                "num_key_value_heads": heads,
                "max_position_embeddings": CONTEXT,
                "bos_token_id": number(ASSISTANT),
                "eos_token_id": number(END),
                "pad_token_id": number(PAD),
                # time, height and width share half of a head's dimensions
                "rope_parameters": {
                    "rope_type": "default",
                    "rope_theta": 10_000.0,
                    "mrope_section": [4, 6, 6],
                },
            },
            vision_config={
                "depth": 2,
                "hidden_size": 64,
                "intermediate_size": 128,
                "num_heads": 2,
                "patch_size": PATCH,
                "spatial_merge_size": MERGE,
                "window_size": 4 * PLACE,
                "fullatt_block_indexes": [1],
                "out_hidden_size": width,
            },
            image_token_id=number(IMAGE),
            video_token_id=number(VIDEO),
            vision_start_token_id=number(VISION_START),
            vision_end_token_id=number(VISION_END),
            tie_word_embeddings=True,
        )
    )


def save_vision(model: Any, folder: Path) -> None:
    """Write a complete Hugging Face checkpoint, processor included."""
    model.save_pretrained(folder)
    build_processor().save_pretrained(folder)


def vision_checkpoints(out: Path, seeds: Sequence[int] = (0, 1)) -> list[Path]:
    """Checkpoints of one architecture with random weights in `out`, one per seed.

    Raises UsageError when torchvision cannot be imported here.
    """
    if found := problem():
        raise UsageError(found, REMEDY)
    made = [out / f"vision-{seed}" for seed in seeds]
    for seed, folder in zip(seeds, made, strict=True):
        save_vision(build_vision_model(seed), folder)
    return made
