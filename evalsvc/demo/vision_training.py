"""Teaching the demo's vision-language model to look at drawn figures.

Plain supervised learning, as in `evalsvc.demo.training`, on pictures of seed 1; the benchmark that
`evalsvc.demo.vision_demo` writes has those of seed 0.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from evalsvc.catalogue import smoke
from evalsvc.demo.figures import Figure, generate
from evalsvc.demo.training import IGNORED, rate_factor
from evalsvc.demo.vision import build_processor, build_vision_model

TRAINING_SEED = 1
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class VisionRecipe:
    """What determines the trained checkpoints."""

    steps: tuple[int, ...] = (100, 600)
    batch: int = 48
    examples: int = 6000  # shown again when they are used up
    peak_rate: float = 2e-3
    warmup: int = 40
    seed: int = 0


def train_vision(recipe: VisionRecipe) -> Iterator[tuple[int, Any]]:
    """Yields (step, model) at each step of the recipe; the model goes on changing afterwards."""
    import torch

    last = max(recipe.steps)
    model = build_vision_model(recipe.seed)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.peak_rate, weight_decay=0.05)
    batches = Batches(recipe)
    began = time.perf_counter()
    for step in range(1, last + 1):
        for group in optimizer.param_groups:
            group["lr"] = recipe.peak_rate * rate_factor(step, recipe.warmup, last)
        loss = model(**batches.next()).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0:
            seconds = time.perf_counter() - began
            log.info("step %d of %d, loss %.3f, %.0f s", step, last, loss.item(), seconds)
        if step in recipe.steps:
            yield step, model


class Batches:
    """Random batches of figures as tensors; each picture is prepared once."""

    def __init__(self, recipe: VisionRecipe) -> None:
        import torch

        self._size = recipe.batch
        self._order = torch.Generator().manual_seed(recipe.seed)
        self._processor = build_processor()
        self._figures = list(generate(recipe.examples, TRAINING_SEED))
        pictures = self._processor.image_processor(
            [figure.picture for figure in self._figures], return_tensors="pt"
        )
        count = len(self._figures)
        self._grid = pictures["image_grid_thw"]
        self._pixels = pictures["pixel_values"].view(count, -1, pictures["pixel_values"].shape[-1])

    def next(self) -> dict[str, Any]:
        """The model's arguments for one batch; only answers are learned."""
        import torch

        rows = torch.randint(len(self._figures), (self._size,), generator=self._order)
        chosen = [self._figures[int(row)] for row in rows]
        ids, labels = self._tokens(chosen)
        image_token = self._processor.image_token_id
        return {
            "input_ids": ids,
            "labels": labels,
            "attention_mask": (ids != self._processor.tokenizer.pad_token_id).long(),
            "mm_token_type_ids": (ids == image_token).long(),
            "pixel_values": self._pixels[rows].flatten(0, 1),
            "image_grid_thw": self._grid[rows],
        }

    def _tokens(self, figures: Sequence[Figure]) -> tuple[Any, Any]:
        import torch

        tokenizer = self._processor.tokenizer
        places = int(self._grid[0].prod()) // self._processor.image_processor.merge_size**2
        pairs = []
        for figure in figures:
            content = [{"type": "image"}, {"type": "text", "text": figure.text}]
            prompt = tokenizer.apply_chat_template(
                [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
            ).replace(self._processor.image_token, self._processor.image_token * places)
            answer = smoke.boxed(figure.gold) + tokenizer.eos_token
            pairs.append([tokenizer.encode(t, add_special_tokens=False) for t in (prompt, answer)])
        width = max(len(prompt) + len(answer) for prompt, answer in pairs)
        ids = torch.full((len(pairs), width), tokenizer.pad_token_id)
        labels = torch.full_like(ids, IGNORED)
        for row, (prompt, answer) in enumerate(pairs):
            end = len(prompt) + len(answer)
            ids[row, :end] = torch.tensor(prompt + answer)
            labels[row, len(prompt) : end] = torch.tensor(answer)
        return ids, labels
