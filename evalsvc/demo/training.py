"""Training the demo's model on problems of the smoke kind, never on the bundled 200.

Plain supervised learning: about a minute on two cores. Everything is fixed by `Recipe`, so that a
folder made with the same recipe need not be made again.
"""

import logging
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from evalsvc.catalogue import smoke
from evalsvc.demo.model import CONTEXT, build_model
from evalsvc.demo.tokenizer import build_tokenizer
from evalsvc.specs import content_hash

if TYPE_CHECKING:
    import torch

IGNORED = -100  # label of positions without loss
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """What determines the demo checkpoints."""

    steps: tuple[int, ...] = (400, 600)
    batch: int = 64
    peak_rate: float = 3e-3
    warmup: int = 40
    seed: int = 0
    version: int = 1  # raise it when the code changes the result

    @property
    def hash(self) -> str:
        """Identity of the checkpoints that this recipe makes."""
        return content_hash(asdict(self))


@dataclass(frozen=True)
class Examples:
    """Token ids and labels, one padded row per example."""

    ids: "torch.Tensor"
    labels: "torch.Tensor"


def train(recipe: Recipe) -> Iterator[tuple[int, Any]]:
    """Yields (step, model) at each step of the recipe; the model keeps changing afterwards."""
    import torch

    last = max(recipe.steps)
    examples = encode_examples(last * recipe.batch, recipe.seed)
    model = build_model(recipe.seed)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.peak_rate, weight_decay=0.1)
    began = time.perf_counter()
    for step in range(1, last + 1):
        for group in optimizer.param_groups:
            group["lr"] = recipe.peak_rate * rate_factor(step, recipe.warmup, last)
        rows = slice((step - 1) * recipe.batch, step * recipe.batch)
        loss = model(input_ids=examples.ids[rows], labels=examples.labels[rows]).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 100 == 0:
            seconds = time.perf_counter() - began
            log.info("step %d of %d, loss %.3f, %.0f s", step, last, loss.item(), seconds)
        if step in recipe.steps:
            yield step, model


def rate_factor(step: int, warmup: int, last: int) -> float:
    """Linear warm-up, then half a cosine down to a tenth."""
    if step < warmup:
        return step / warmup
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - warmup) / max(1, last - warmup)))


def encode_examples(count: int, seed: int) -> Examples:
    """`count` chats with their answers; only the answer is learned."""
    import torch

    tokenizer = build_tokenizer(CONTEXT)
    held_out = [question for question, _, _ in smoke.bundled()]
    rows = []
    for question, gold, _ in smoke.generate(count, seed, exclude=held_out):
        chat = [{"role": "user", "content": question}]
        prompt = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        rows.append((prompt, smoke.boxed(gold) + tokenizer.eos_token))
    prompts = tokenizer([p for p, _ in rows], add_special_tokens=False)["input_ids"]
    answers = tokenizer([a for _, a in rows], add_special_tokens=False)["input_ids"]
    width = max(len(p) + len(a) for p, a in zip(prompts, answers, strict=True))
    ids = torch.full((count, width), tokenizer.pad_token_id)
    labels = torch.full((count, width), IGNORED)
    for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        end = len(prompt) + len(answer)
        ids[row, :end] = torch.tensor(prompt + answer)
        labels[row, len(prompt) : end] = torch.tensor(answer)
    return Examples(ids, labels)
