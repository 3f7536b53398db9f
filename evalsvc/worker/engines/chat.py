"""From messages to what a local model reads: the checkpoint's own chat template.

A checkpoint without a template (a base model) is asked in plain text, as long as the prompt is a
single user message; a chat with a system message cannot be put to it.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evalsvc.errors import CheckpointError

Messages = Sequence[Mapping[str, Any]]


PROCESSOR_TEMPLATE = "chat_template.json"  # where older vision-language models keep it


def adopt_template(tokenizer: Any, folder: Path) -> None:
    """Give a tokenizer without a chat template that of its model's processor, if there is one."""
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

    A chat template writes the special tokens itself. To a plain text the tokenizer adds what it
    adds to every text that begins (a BOS), but nothing that would end it.
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
    """What templates know: a text, or parts of which an image is only a place."""
    if isinstance(content, str):
        return content
    return [part if part["type"] == "text" else {"type": "image"} for part in content]
