"""Check that no checkpoint is silently evaluated with weights other than those in its files.

    python -m bench.integrity                    # three architectures, about 200 mutations
    python -m bench.integrity --only llama-tied  # one of them, every mutation

Valid checkpoints are mutated (`bench.mutations`) and take the path of every shard: inspection, then
the real vLLM, swapped in place where the service would swap and restarted where it would restart.
Each must be refused with a reason, or give the greedy texts that plain transformers gives for the
same files, in float32. Exits with 1 otherwise. Mutations that need an engine start (configuration
and tokenizer) are divided among the architectures.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from bench.architectures import architecture_checkpoint
from bench.mutations import mutations
from bench.report import Figure, Report
from evalsvc.checkpoints import inspect_checkpoint
from evalsvc.errors import EvalsvcError
from evalsvc.specs import CheckpointSpec, Protocol, ShardSpec
from evalsvc.worker.config import WorkerConfig
from evalsvc.worker.engines.base import SampleRequest
from evalsvc.worker.engines.chat import prompt_tokens
from evalsvc.worker.engines.endings import read_endings
from evalsvc.worker.hosting import EngineHost

ARCHITECTURES = ("llama-tied", "qwen2-untied", "gemma-tied")
QUESTIONS = ("1 + 1 = ?", "What is 17 * 3?", "Name a prime above 90.")
TOKENS = 24
POISONED = ("NaN", "infinity")
Verdict = Literal["refused", "same", "different", "unexplained"]


@dataclass(frozen=True)
class Outcome:
    """The outcome for one mutated checkpoint."""

    architecture: str
    mutation: str
    verdict: Verdict
    by: str = ""  # where it was refused, or how it was loaded
    said: str = ""


class Loader:
    """The service's path from a folder to answers: inspection, then one worker's engine."""

    def __init__(self, folder: Path) -> None:
        self._host = EngineHost(
            WorkerConfig(data=str(folder), artifacts=str(folder / "artifacts")),
            lambda state, message: None,
        )

    async def answers(self, checkpoint: CheckpointSpec) -> tuple[list[str], str]:
        """Greedy texts, and whether the weights were loaded cold or swapped."""
        async with self._host.serving(_shard(checkpoint)) as loaded:
            samples = await asyncio.gather(*map(loaded.engine.generate, asked()))
            return [sample.text for sample in samples], loaded.by

    async def close(self) -> None:
        await self._host.close()


def asked() -> list[SampleRequest]:
    return [
        SampleRequest(
            number, str(number), 0, [{"role": "user", "content": question}],
            temperature=0.0, top_p=1.0, max_tokens=TOKENS,
        )
        for number, question in enumerate(QUESTIONS)
    ]  # fmt: skip


def by_transformers(folder: Path) -> list[str]:
    """Greedy texts of plain transformers. Raises its errors, and on missing weights."""
    model, loading = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, output_loading_info=True
    )
    if loading["missing_keys"] or loading["mismatched_keys"]:
        raise ValueError(f"random weights for {sorted(loading['missing_keys'])[:3]}")
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    ends = read_endings(folder, tokenizer).tokens
    prompts = [prompt_tokens(tokenizer, request.messages) for request in asked()]
    answers = [greedy(model, prompt, ends) for prompt in prompts]
    return [str(tokenizer.decode(answer, skip_special_tokens=True)) for answer in answers]


def greedy(model: Any, prompt: Sequence[int], ends: Sequence[int]) -> list[int]:
    """One token after another by the largest logit: no generation settings can interfere."""
    found: list[int] = []
    fed, cache = torch.tensor([list(prompt)]), None
    with torch.inference_mode():
        while len(found) < TOKENS:
            output = model(input_ids=fed, past_key_values=cache, use_cache=True)
            cache = output.past_key_values
            fed = output.logits[:, -1:].argmax(dim=-1)
            if int(fed) in ends:
                break
            found.append(int(fed))
    return found


async def judge(loader: Loader, architecture: str, mutation: str, folder: Path) -> Outcome:
    """Load the mutated checkpoint as the service would, and compare."""
    try:
        checkpoint = inspect_checkpoint(folder)
    except EvalsvcError as refused:
        return Outcome(architecture, mutation, "refused", "inspection", str(refused))
    try:
        texts, by = await loader.answers(checkpoint)
    except (EvalsvcError, ExceptionGroup) as refused:
        return Outcome(architecture, mutation, "refused", "engine", _first(refused))
    try:
        expected = await asyncio.to_thread(by_transformers, folder)
    except Exception as error:  # transformers failed: there is no answer to compare with
        return Outcome(architecture, mutation, "unexplained", by, f"transformers: {error}"[:500])
    if texts == expected:
        return Outcome(architecture, mutation, "same", by)
    return Outcome(architecture, mutation, "different", by, f"{texts} instead of {expected}")


def _first(error: Exception) -> str:
    found: BaseException = error
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return str(found)


def _shard(checkpoint: CheckpointSpec) -> ShardSpec:
    return ShardSpec(
        shard_id="s", evaluation_id="e", epoch=1, checkpoint=checkpoint, benchmark="smoke",
        benchmark_revision="-", protocol=Protocol(samples=1, temperature=0, top_p=1, max_tokens=64),
        problems=(0,), sample_start=0, sample_stop=1, artifact="-", engine="vllm",
        engine_options={"dtype": "float32"},
    )  # fmt: skip


async def run(folder: Path, architectures: Sequence[str]) -> list[Outcome]:
    """Every mutation; first those that one engine per architecture can load in turn."""
    outcomes = []
    late: dict[str, list[tuple[str, Path]]] = {}
    for turn, architecture in enumerate(architectures):
        sound = folder / architecture
        first = architecture_checkpoint(sound, architecture, seed=1)
        made = mutations(sound, seed=turn)
        copies = [(m.name, m.copy_of(sound, folder / f"{turn}-{n}")) for n, m in enumerate(made)]
        cold = [pair for pair in copies if loads_cold(first, pair[1])]
        warm = [pair for pair in copies if pair not in cold]
        poisoned = [pair for pair in warm if pair[0].startswith(POISONED)]
        late[architecture] = [*poisoned, *cold[turn :: len(architectures)]]
        early = [pair for pair in warm if pair not in poisoned]
        outcomes += await judge_all(folder, architecture, [("sound", sound), *early])
    for architecture, copies in late.items():
        outcomes += await judge_all(folder, architecture, copies)
    return outcomes


async def judge_all(
    folder: Path, architecture: str, copies: Sequence[tuple[str, Path]]
) -> list[Outcome]:
    """One after another, in one worker's engine."""
    loader = Loader(folder)
    outcomes = []
    for mutation, copy in copies:
        outcome = await judge(loader, architecture, mutation, copy)
        outcome = replace(outcome, said=outcome.said.replace(f"{folder}/", ""))
        print(f"{outcome.verdict:11} {outcome.by:10} {architecture}: {mutation}", end="")
        print(f"  [{outcome.said[:160]}]" if outcome.said else "", flush=True)
        outcomes.append(outcome)
    await loader.close()
    return outcomes


def loads_cold(present: CheckpointSpec, folder: Path) -> bool:
    """Whether the service would start the engine for it rather than swap."""
    try:
        found = inspect_checkpoint(folder)
    except EvalsvcError:
        return False
    return (found.architecture_hash, found.tokenizer_hash) != (
        present.architecture_hash,
        present.tokenizer_hash,
    )


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=ARCHITECTURES)
    asked_for = parser.parse_args()
    logging.getLogger("evalsvc").setLevel(logging.ERROR)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        chosen = [asked_for.only] if asked_for.only else list(ARCHITECTURES)
        outcomes = asyncio.run(run(Path(folder), chosen))
    counts = Counter(outcome.verdict for outcome in outcomes)
    wanted = 200 if asked_for.only is None else 60
    wrong = counts["different"] + counts["unexplained"]
    how = f"{counts['refused']} refused with a reason, {counts['same']} as transformers"
    report = Report(
        f"integrity-{asked_for.only}" if asked_for.only else "integrity",
        [
            Figure("mutated checkpoints, through the real vLLM", len(outcomes), wanted, "higher"),
            Figure("of them evaluated wrongly and in silence", wrong, 0, "lower", how=how),
        ],
        details={
            "seconds": round(time.monotonic() - began),
            "by": dict(Counter(f"{o.verdict} {o.by}".strip() for o in outcomes)),
            "outcomes": [asdict(outcome) for outcome in outcomes],
        },
    )
    return report.publish()


if __name__ == "__main__":
    sys.exit(main())
