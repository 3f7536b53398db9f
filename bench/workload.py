"""The load of the speed benches: tiny checkpoints, three text benchmarks, one way of sampling.

Every measured system gets the same prompts, samples, lengths and sampling parameters. The rows come
from the folder that EVALSVC_TEST_DATA names; the checkpoints are random Llamas, which answer
nothing correctly but cost an engine what a model of their size costs.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evalsvc.catalogue import Catalogue, render
from evalsvc.demo.model import build_model, save
from evalsvc.specs import Protocol, SeedPolicy
from evalsvc.worker.engines.vllm_setup import CPU_SEQUENCES, GPU_SEQUENCES

BENCHMARKS: Mapping[str, int] = {"aime2025": 30, "amc23": 40, "math": 70}  # name -> first rows
MAX_MODEL_LEN = 8192


def on_gpu() -> bool:
    """Whether the engines of this machine run on a GPU."""
    import torch  # noqa: PLC0415

    return bool(torch.cuda.is_available())


def engine_batch() -> int:
    """Sequences that our engine computes at a time."""
    return GPU_SEQUENCES if on_gpu() else CPU_SEQUENCES


@dataclass(frozen=True)
class Sampling:
    """How answers are sampled, the same for every system."""

    samples: int
    max_tokens: int
    temperature: float = 0.6
    top_p: float = 0.95

    def protocol(self, seed: int) -> Protocol:
        """The same settings as one of our protocols. A new seed means nothing is reused."""
        return Protocol(**asdict(self), seed=seed, seed_policy=SeedPolicy.PER_SAMPLE)


@dataclass(frozen=True)
class Question:
    """One problem as a chat of at most one system message and one of the user."""

    system: str
    user: str
    gold: str

    @property
    def messages(self) -> list[dict[str, str]]:
        system = [{"role": "system", "content": self.system}] if self.system else []
        return [*system, {"role": "user", "content": self.user}]


def source_folder() -> Path:
    """The folder of the benchmarks' rows. Exits the bench with a message if it is missing."""
    folder = Path(os.environ.get("EVALSVC_TEST_DATA", "../shared/data"))
    if not all((folder / name).is_dir() for name in BENCHMARKS):
        sys.exit(f"{folder} lacks {', '.join(BENCHMARKS)}: name the folder in EVALSVC_TEST_DATA.")
    return folder


def add_data(data: Path, benchmarks: Mapping[str, int]) -> None:
    """Put the benchmarks' rows into a data folder, as `evalsvc benchmarks add-data` does."""
    catalogue = Catalogue(())
    for name in benchmarks:
        catalogue.add_data(name, source_folder() / name, data)


def questions(data: Path, name: str, first: int) -> list[Question]:
    """The first rows of a benchmark in its own prompt."""
    dataset = Catalogue(()).load(name, data)
    prompt = dataset.benchmark.prompt_name("default", "custom")
    found = []
    for problem in dataset.problems[:first]:
        chat = {m.role: m.text for m in render(dataset.benchmark, problem, prompt)}
        found.append(Question(chat.get("system", ""), chat["user"], problem.gold))
    return found


def make_checkpoints(folder: Path, count: int) -> list[Path]:
    """Random checkpoints of one architecture and one tokenizer."""
    made = [folder / f"checkpoint-{seed}" for seed in range(count)]
    for seed, path in enumerate(made):
        save(build_model(seed), path)
    return made


def write_json(path: Path, value: Any) -> Path:
    """Write it for another process to read."""
    path.write_text(json.dumps(value), encoding="utf-8")
    return path
