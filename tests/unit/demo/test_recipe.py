"""The demo's recipe and tokenizer: what is trained on, what is kept, what is refused."""

from pathlib import Path

import pytest

from evalsvc.catalogue import smoke
from evalsvc.demo.checkpoints import MANIFEST, demo_checkpoints
from evalsvc.demo.model import CONTEXT
from evalsvc.demo.tokenizer import build_tokenizer
from evalsvc.demo.training import IGNORED, Recipe, encode_examples, rate_factor


def test_every_character_of_the_smoke_set_is_known_and_comes_back() -> None:
    tokenizer = build_tokenizer(CONTEXT)
    for question, gold, _ in smoke.bundled():
        text = question + smoke.boxed(gold)
        tokens = tokenizer.encode(text, add_special_tokens=False)
        assert len(tokens) == len(text)
        assert tokenizer.decode(tokens) == text


def test_unknown_characters_become_one_token_each() -> None:
    tokenizer = build_tokenizer(CONTEXT)
    tokens = tokenizer.encode("a∑\U0001d518\tb\nc", add_special_tokens=False)
    assert len(tokens) == 7
    assert tokens.count(tokenizer.unk_token_id) == 3


def test_a_chat_ends_where_the_answer_begins() -> None:
    chat = [{"role": "system", "content": "s"}, {"role": "user", "content": "1 + 1"}]
    text = build_tokenizer(CONTEXT).apply_chat_template(
        chat, tokenize=False, add_generation_prompt=True
    )
    assert text == "<system>s<end><user>1 + 1<end><assistant>"


def test_only_the_answer_is_learned_and_never_a_problem_of_the_benchmark() -> None:
    tokenizer = build_tokenizer(CONTEXT)
    examples = encode_examples(500, seed=3)
    held_out = {question for question, _, _ in smoke.bundled()}
    for ids, labels in zip(examples.ids, examples.labels, strict=True):
        prompt = tokenizer.decode(ids[labels == IGNORED]).replace("<pad>", "")
        answer = tokenizer.decode(labels[labels != IGNORED])
        assert answer.startswith("\\boxed{")
        assert answer.endswith("}<end>")
        assert prompt.removeprefix("<user>").split("<end>")[0] not in held_out


def test_the_rate_rises_then_falls() -> None:
    factors = [rate_factor(step, warmup=10, last=100) for step in range(1, 101)]
    assert factors[4] == 0.5
    assert max(factors) == factors[9] == 1.0
    assert factors[-1] == pytest.approx(0.1)


def test_recipes_are_told_apart() -> None:
    assert Recipe().hash == Recipe().hash
    assert Recipe(steps=(1, 2)).hash != Recipe(steps=(1, 3)).hash


def test_made_once_kept_and_remade_for_another_recipe(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    tiny = Recipe(steps=(1, 2), batch=2)
    made = demo_checkpoints(out, tiny)
    assert list(made) == [1, 2]
    weights = made[1] / "model.safetensors"
    written = weights.stat().st_mtime_ns
    assert weights.read_bytes() != (made[2] / "model.safetensors").read_bytes()
    demo_checkpoints(out, tiny)
    assert weights.stat().st_mtime_ns == written
    demo_checkpoints(out, Recipe(steps=(1,), batch=2))
    assert sorted(p.name for p in out.iterdir()) == [MANIFEST, "step-1"]
    assert list(tmp_path.iterdir()) == [out]


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(FileExistsError, match="holds no demo checkpoints"):
        demo_checkpoints(tmp_path, Recipe(steps=(1,), batch=2))
    assert (tmp_path / "mine.txt").read_text() == "precious"
