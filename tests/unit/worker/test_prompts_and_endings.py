"""Where a prompt begins and an answer ends: one rule for every engine."""

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers.processors import TemplateProcessing

from evalsvc.demo.tokenizer import build_tokenizer
from evalsvc.errors import CheckpointError
from evalsvc.worker.engines.chat import prompt_tokens
from evalsvc.worker.engines.endings import read_endings

QUESTION = [{"role": "user", "content": "1 + 1"}]
BEGIN, END = 4, 2


def tokenizer(*around: str, template: bool = False) -> Any:
    """The demo's tokenizer with a post-processor: `around` is like ("begin", "text", "end")."""
    made = build_tokenizer(100)
    if around:
        single = " ".join({"begin": "<assistant>", "text": "$A", "end": "<end>"}[a] for a in around)
        tokens = [("<assistant>", BEGIN), ("<end>", END)]
        made.backend_tokenizer.post_processor = TemplateProcessing(
            single=single, special_tokens=tokens
        )
    if not template:
        made.chat_template = None
    return made


def test_a_plain_prompt_begins_as_its_tokenizer_begins_a_text() -> None:
    plain = tokenizer().encode("1 + 1\n", add_special_tokens=False)
    assert prompt_tokens(tokenizer(), QUESTION) == plain
    assert prompt_tokens(tokenizer("begin", "text"), QUESTION) == [BEGIN, *plain]
    assert prompt_tokens(tokenizer("begin", "text", "end"), QUESTION) == [BEGIN, *plain]
    assert prompt_tokens(tokenizer("text", "end"), QUESTION) == plain


def test_a_template_writes_its_special_tokens_itself() -> None:
    reader = tokenizer("begin", "text", "end", template=True)
    text = "<user>1 + 1<end><assistant>"
    assert prompt_tokens(reader, QUESTION) == reader.encode(text, add_special_tokens=False)


def write(folder: Path, name: str, **settings: Any) -> None:
    (folder / name).write_text(json.dumps(settings))


def test_an_answer_ends_at_every_token_that_is_named(tmp_path: Path) -> None:
    write(tmp_path, "config.json", eos_token_id=50)
    assert read_endings(tmp_path, tokenizer()).named_by == {"tokenizer": [2], "config.json": [50]}
    write(tmp_path, "generation_config.json", eos_token_id=[7, 9], bos_token_id=1)
    found = read_endings(tmp_path, tokenizer())
    assert found.tokens == [2, 7, 9]
    assert found.ignored == {}


def test_a_models_inner_configuration_is_read_too(tmp_path: Path) -> None:
    write(tmp_path, "config.json", text_config={"eos_token_id": [8]})
    assert read_endings(tmp_path, tokenizer()).tokens == [2, 8]


def test_what_is_not_obeyed_is_told(tmp_path: Path) -> None:
    many = list(range(1000))
    write(
        tmp_path, "generation_config.json", suppress_tokens=many, min_new_tokens=5, top_k=None,
        transformers_version="5.0",
    )  # fmt: skip
    ignored = read_endings(tmp_path, tokenizer()).ignored
    assert set(ignored) == {"suppress_tokens", "min_new_tokens"}
    assert len(ignored["suppress_tokens"]) == 200


@pytest.mark.parametrize("value", ["<end>", [2, "x"], -1, 2.0, True, {"a": 1}])
def test_what_is_no_token_is_refused(tmp_path: Path, value: Any) -> None:
    write(tmp_path, "generation_config.json", eos_token_id=value)
    with pytest.raises(CheckpointError, match="eos_token_id"):
        read_endings(tmp_path, tokenizer())


def test_a_checkpoint_without_any_ending_has_none(tmp_path: Path) -> None:
    write(tmp_path, "config.json")
    made = tokenizer()
    made.eos_token = None
    assert read_endings(tmp_path, made).tokens == []
