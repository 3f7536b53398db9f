"""A real TRL training that takes seconds: a model of some thousand parameters, random rewards."""

from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoTokenizer, GenerationConfig
from trl import GRPOConfig, GRPOTrainer

from evalsvc.demo.model import build_model, save
from evalsvc.trainers.trl import AsymmetricAdvantages

GROUP_SIZE = 4


class AGRAETrainer(AsymmetricAdvantages, GRPOTrainer):
    """Remembers the advantages and rewards of each batch."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.batches: list[tuple[torch.Tensor, torch.Tensor]] = []

    def _generate_and_score_completions(self, inputs: list[Any]) -> dict[str, Any]:
        output = super()._generate_and_score_completions(inputs)
        assert self._agrae_rewards is not None
        self.batches.append((self._agrae_rewards.clone(), output["advantages"].clone()))
        return output


def first_letters(completions: list[str], **_: Any) -> list[float | None]:
    """0 or 1 by the completion's length, and now and then no score at all."""
    sizes = [len(completion) for completion in completions]
    return [None if size == 3 else float(size % 2) for size in sizes]


def tiny_model(folder: Path) -> Path:
    save(build_model(seed=0, layers=1, heads=1), folder)
    return folder


def terse_model(folder: Path) -> Path:
    """A tiny model whose every token ends the answer: 200 problems then take seconds."""
    tiny_model(folder)
    ends = list(range(len(AutoTokenizer.from_pretrained(folder))))
    GenerationConfig(eos_token_id=ends, pad_token_id=0).save_pretrained(folder)
    return folder


def make_trainer(model: Path, output: Path, *, cls: type = AGRAETrainer, **options: Any) -> Any:
    torch.set_num_threads(1)  # more are no faster here, and spin where others need the cores
    own = {k: options.pop(k) for k in ("agrae_alpha", "agrae_level") if k in options}
    settings = {
        "max_steps": 2,
        "save_strategy": "no",
        "save_only_model": True,
        "per_device_train_batch_size": 4 * GROUP_SIZE,
        "num_generations": GROUP_SIZE,
        "max_completion_length": 8,
        "temperature": 1.0,
        "beta": 0.0,
        "bf16": False,
        "use_cpu": True,
        "gradient_checkpointing": False,
        "report_to": [],
        "disable_tqdm": True,
        "seed": 0,
    }
    return cls(
        model=str(model),
        reward_funcs=first_letters,
        args=GRPOConfig(output_dir=str(output), **{**settings, **options}),
        train_dataset=Dataset.from_list([{"prompt": f"{n} + {n} = ?"} for n in range(200)]),
        processing_class=AutoTokenizer.from_pretrained(model),
        **own,
    )
