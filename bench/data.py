"""Synthetic evaluations for load tests, inserted into the tables without engine or verifier.

Problems have the same difficulty in all evaluations and each method shifts it a little, so that
comparisons, matrices and rankings show differences. The same seed gives the same counts.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert
from sqlalchemy.orm import Session

from evalsvc.artifacts import ArtifactStore, TranscriptRow
from evalsvc.settings import Settings
from evalsvc.specs import PROTOCOLS, Protocol
from evalsvc.store.models import (
    BenchmarkRevision,
    Checkpoint,
    Evaluation,
    Problem,
    ProblemResult,
    Run,
    Shard,
)
from evalsvc.store.states import EvaluationState, ShardState

START = datetime(2026, 1, 1, tzinfo=UTC)
METHODS = ("Base model", "GRPO", "GRPO + A-GRAE", "DAPO", "DAPO + A-GRAE")


@dataclass(frozen=True)
class Load:
    """The load: methods x steps x benchmarks evaluations. `benchmarks`: name -> problems."""

    benchmarks: tuple[tuple[str, int], ...] = (("math", 5000),)
    methods: tuple[str, ...] = METHODS
    steps: tuple[int, ...] = tuple(range(50, 1050, 50))
    samples: int = 256
    seed: int = 0

    @property
    def evaluations(self) -> int:
        return len(self.benchmarks) * len(self.methods) * len(self.steps)


def fill(session: Session, load: Load) -> list[str]:
    """Insert the load; returns the evaluations' ids in order. The caller commits."""
    random = np.random.default_rng(load.seed)
    revisions = {name: _revision(session, name, size) for name, size in load.benchmarks}
    difficulty = {
        name: random.normal(0.0, 1.8, size).astype(np.float64) for name, size in load.benchmarks
    }
    made: list[str] = []
    for rank, method in enumerate(load.methods):
        run = Run(
            name=f"qwen-{method.lower().replace(' ', '').replace('+', '-')}-seed0",
            method=method,
            base_model="Qwen2.5-Math-7B",
            train_seed=0,
            config={"lr": 1e-6},
        )
        session.add(run)
        session.flush()
        for position, step in enumerate(load.steps):
            checkpoint = _checkpoint(session, run, step)
            skill = 0.25 * rank + 0.6 * position / max(1, len(load.steps) - 1)
            for name, _ in load.benchmarks:
                logits = skill - difficulty[name] + random.normal(0, 0.35, difficulty[name].size)
                chances = 1 / (1 + np.exp(-logits))
                made.append(
                    _evaluation(session, checkpoint, revisions[name], chances, load, random)
                )
    return made


def _revision(session: Session, name: str, size: int) -> BenchmarkRevision:
    digest = hashlib.sha256(f"{name} {size}".encode()).hexdigest()[:16]
    revision = BenchmarkRevision(name=name, revision=digest, problem_count=size)
    session.add(revision)
    session.flush()
    rows = [
        {
            "revision_id": revision.id,
            "problem": i,
            "problem_id": f"{name}-{i}",
            "cluster": f"{name}-{i}",
            "part": None,
            "level": str(1 + i % 5),
            "subject": ("Algebra", "Geometry", "Number Theory")[i % 3],
            "question_type": None,
        }
        for i in range(size)
    ]
    session.execute(insert(Problem), rows)
    return revision


def _checkpoint(session: Session, run: Run, step: int) -> Checkpoint:
    digest = hashlib.sha256(f"{run.name} {step}".encode()).hexdigest()
    checkpoint = Checkpoint(
        run_id=run.id,
        step=step,
        fingerprint=digest,
        path=f"/checkpoints/{run.name}/checkpoint-{step}",
        spec={
            "architecture": "Qwen2ForCausalLM",
            "size_bytes": 15_231_233_024,
            "dtype": "bfloat16",
        },
        created_at=START + timedelta(hours=step),
    )
    session.add(checkpoint)
    session.flush()
    return checkpoint


def _evaluation(
    session: Session,
    checkpoint: Checkpoint,
    revision: BenchmarkRevision,
    chances: NDArray[np.float64],
    load: Load,
    random: np.random.Generator,
) -> str:
    protocol = _protocol(load.samples)
    key = f"{checkpoint.fingerprint} {revision.name} {protocol.hash}"
    identity = hashlib.sha256(key.encode()).hexdigest()[:24]
    correct = random.random((chances.size, load.samples)) < chances[:, None]
    wrong = ~correct
    truncated = wrong & (random.random(correct.shape) < 0.06)
    failed = wrong & ~truncated & (random.random(correct.shape) < 0.002)
    finished = checkpoint.created_at + timedelta(minutes=40)
    session.add(
        Evaluation(
            id=identity,
            checkpoint_id=checkpoint.id,
            revision_id=revision.id,
            benchmark=revision.name,
            protocol=protocol.model_dump(mode="json"),
            protocol_hash=protocol.hash,
            engine="vllm",
            state=EvaluationState.DONE,
            samples_wanted=load.samples,
            problems_wanted=chances.size,
            verifier="evalsvc-1",
            provenance={"vllm": "0.32.0", "torch": "2.13.0", "device": "NVIDIA H200"},
            version=1,
            problems_seen=chances.size,
            samples_seen=correct.size,
            samples_correct=int(correct.sum()),
            samples_truncated=int(truncated.sum()),
            samples_no_answer=int(truncated.sum()),
            samples_failed=int(failed.sum()),
            output_tokens=correct.size * 700,
            created_at=checkpoint.created_at,
            finished_at=finished,
        )
    )
    session.flush()
    session.execute(insert(ProblemResult), list(_results(identity, correct, truncated, failed)))
    return identity


def _protocol(samples: int) -> Protocol:
    paper = PROTOCOLS["paper"]
    ks: Sequence[int] = [k for k in paper.ks if k <= samples]
    return Protocol.model_validate({**paper.model_dump(), "samples": samples, "ks": tuple(ks)})


def _results(
    identity: str,
    correct: NDArray[np.bool_],
    truncated: NDArray[np.bool_],
    failed: NDArray[np.bool_],
) -> Iterator[dict[str, Any]]:
    """One row per problem; masks are little-endian bits, sample 0 first."""
    samples = correct.shape[1]
    everything = ((1 << samples) - 1).to_bytes((samples + 7) // 8, "little")
    packed = [np.packbits(mask, axis=1, bitorder="little") for mask in (correct, truncated, failed)]
    counts = correct.sum(axis=1)
    for problem, right in enumerate(counts):
        yield {
            "evaluation_id": identity,
            "problem": problem,
            "n": samples,
            "c": int(right),
            "sampled": everything,
            "correct": packed[0][problem].tobytes(),
            "truncated": packed[1][problem].tobytes(),
            "no_answer": packed[1][problem].tobytes(),
            "failed": packed[2][problem].tobytes(),
            "tokens": samples * 700,
            "tokens_correct": int(right) * 600,
            "error": None,
        }


def add_transcript(
    session: Session, settings: Settings, evaluation: str, load: Load, problems: int = 20
) -> None:
    """One finished shard with the responses of the first problems, 2 kB each."""
    artifacts = ArtifactStore(settings.resolved_artifacts)
    name = f"{evaluation}/bench.parquet"
    written = artifacts.write_transcript(
        name,
        (_response(evaluation, p, s) for p in range(problems) for s in range(load.samples)),
    )
    session.add(
        Shard(
            id=f"{evaluation}-bench",
            evaluation_id=evaluation,
            ordinal=0,
            problems=list(range(problems)),
            sample_start=0,
            sample_stop=load.samples,
            size=problems * load.samples,
            state=ShardState.DONE,
            artifact=name,
            artifact_bytes=written.bytes,
            started_at=START,
            finished_at=START + timedelta(minutes=2),
            worker_id="bench",
        )
    )


def _response(evaluation: str, problem: int, sample: int) -> TranscriptRow:
    text = f"We try $x = \\frac{{{sample}}}{{7}}$ in problem {problem}.\n" * 40
    answer = str(problem + sample % 3)
    response = f"{text}So $\\boxed{{{answer}}}$."
    end = len(response) - 3
    return TranscriptRow(
        evaluation_id=evaluation,
        problem=problem,
        problem_id=f"math-{problem}",
        sample=sample,
        prompt=[{"role": "user", "content": f"What is {problem}?"}],
        response=response,
        finish_reason="stop",
        output_tokens=700,
        prompt_tokens=30,
        extracted=answer,
        span_start=end - len(answer),
        span_end=end,
        verdict="correct" if sample % 3 == 0 else "wrong",
        correct=sample % 3 == 0,
        rule="same number",
        verifier="evalsvc-1",
        verify_ms=0.05,
        answer_key=answer,
        seed=sample,
    )
