"""Render messages as a prompt for a local model, with the checkpoint's own chat template.

A checkpoint without a template (a base model) gets plain text. The prompt must then be a single
user message; a chat with a system message is refused.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evalsvc.errors import CheckpointError

Messages = Sequence[Mapping[str, Any]]


PROCESSOR_TEMPLATE = "chat_template.json"  # older vision-language models have it there


def adopt_template(tokenizer: Any, folder: Path) -> None:
    """Give a tokenizer without a chat template the one of its model's processor, if it has one."""
    path = folder / PROCESSOR_TEMPLATE
    if not tokenizer.chat_template and path.exists():
        tokenizer.chat_template = json.loads(path.read_text(encoding="utf-8"))["chat_template"]


def render_chat(tokenizer: Any, messages: Messages) -> str:
    """The prompt as text, ending where the model's answer begins."""
    if not tokenizer.chat_template:
        return plain_text(messages)
    chat = [{**message, "content": _content(message["content"])} for message in messages]
    text: str = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    return text


def prompt_tokens(tokenizer: Any, messages: Messages) -> list[int]:
    """The prompt as token ids.

    A chat template writes the special tokens itself. For plain text the tokenizer adds its
    leading special tokens (a BOS), but none at the end.
    """
    text = render_chat(tokenizer, messages)
    tokens: list[int] = tokenizer.encode(text, add_special_tokens=False)
    if tokenizer.chat_template:
        return tokens
    whole: list[int] = tokenizer.encode(text, add_special_tokens=True)
    added = len(whole) - len(tokens)
    for before in range(added + 1):
        if whole[before : before + len(tokens)] == tokens:
            return whole[:before] + tokens
    return whole


def plain_text(messages: Messages) -> str:
    """The prompt for a model without a chat template."""
    if len(messages) != 1 or not isinstance(messages[0]["content"], str):
        raise CheckpointError(
            "The checkpoint has no chat template, and the prompt is a chat.",
            "Save the tokenizer with its template, or choose a prompt without a system message.",
        )
    return f"{messages[0]['content']}\n"


def _content(content: Any) -> Any:
    """The content as templates expect it: a text, or parts with a placeholder per image."""
    if isinstance(content, str):
        return content
    return [part if part["type"] == "text" else {"type": "image"} for part in content]
