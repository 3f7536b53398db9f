"""The contract between client, server and worker: requests, shards and results.

All types are frozen, validated on construction and sent as JSON. Nothing here does I/O.
Sizes are in bytes, times in seconds, temperatures and probabilities are plain numbers.
"""

import hashlib
import json
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from evalsvc.limits import (
    MAX_BENCHMARKS,
    MAX_NAME_CHARACTERS,
    MAX_OUTPUT_TOKENS,
    MAX_PATH_CHARACTERS,
    MAX_PRIORITY,
    MAX_REASON_CHARACTERS,
    MAX_SAMPLES,
)

Name = Annotated[
    str, Field(min_length=1, max_length=MAX_NAME_CHARACTERS, pattern=r"^[^\x00-\x1f\x7f]+$")
]


class Spec(BaseModel):
    """Base of every contract type: immutable, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def content_hash(value: Any, length: int = 16) -> str:
    """Hash of a JSON value, independent of key order. `length` is in hexadecimal digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


class SeedPolicy(StrEnum):
    """How each sample gets its randomness."""

    PER_SAMPLE = "per-sample"  # seed = f(protocol seed, problem, sample): resumable, repeatable
    UNSEEDED = "unseeded"  # the engine's own randomness: only statistically repeatable


def powers_of_two(limit: int) -> tuple[int, ...]:
    """1, 2, 4 ... up to and including the largest power of two that is at most `limit`."""
    return tuple(1 << e for e in range(limit.bit_length())) if limit > 0 else ()


class Protocol(Spec):
    """How answers are sampled. `samples` is n per problem; `ks` are the k of pass@k that are shown.

    n, ks and the name are not part of the identity (see `hash`): asking for n = 256 after n = 64
    is the same evaluation, and 192 samples a problem are added to it.
    """

    name: Name = "custom"
    prompt: Name = "default"  # a prompt of the benchmark's folder; "default" is the benchmark's own
    temperature: float = Field(default=0.6, ge=0, le=10)
    top_p: float = Field(default=0.95, gt=0, le=1)
    max_tokens: int = Field(default=4096, ge=1, le=MAX_OUTPUT_TOKENS)
    samples: int = Field(default=16, ge=1, le=MAX_SAMPLES)
    ks: tuple[int, ...] = ()
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    seed_policy: SeedPolicy = SeedPolicy.PER_SAMPLE

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        ks = self.ks or powers_of_two(self.samples)
        if any(k < 1 for k in ks):
            raise ValueError("every k must be at least 1")
        if max(ks) > self.samples:
            raise ValueError(
                f"k = {max(ks)} needs at least {max(ks)} samples a problem, but samples = "
                f"{self.samples}; raise samples or leave out that k"
            )
        if self.temperature == 0 and self.samples > 1:
            raise ValueError("temperature 0 gives the same answer each time; use samples = 1")
        object.__setattr__(self, "ks", tuple(sorted(set(ks))))
        return self

    @property
    def hash(self) -> str:
        """Identity of the protocol: all that changes the distribution of one sample."""
        return content_hash(self.model_dump(mode="json", exclude={"name", "samples", "ks"}))


PROTOCOLS: dict[str, Protocol] = {
    # From the paper, App. C.2: T 0.6, top-p 0.95, 4096 new tokens; n and ks from its eval.sh.
    "paper": Protocol(name="paper", samples=256, max_tokens=4096),
    "quick": Protocol(name="quick", samples=4, max_tokens=1024),
    "greedy": Protocol(name="greedy", temperature=0, top_p=1, samples=1, max_tokens=4096),
    # As the benchmark's authors specify: one greedy answer to their prompt, named in its folder.
    "official": Protocol(name="official", temperature=0, top_p=1, samples=1, max_tokens=4096),
}


# The value shows which of the two is meant, so that errors name only that one.
NamedOrWritten = Annotated[
    Annotated[str, Tag("name")] | Annotated[Protocol, Tag("settings")],
    Discriminator(lambda value: "name" if isinstance(value, str) else "settings"),
]


class Modality(StrEnum):
    TEXT = "text"
    IMAGE = "image"


class CheckpointSpec(Spec):
    """A checkpoint as it lies on disk, identified by content and not by its path."""

    path: str
    fingerprint: str  # sha256 over name, size, header, first and last MiB of each of its files
    architecture: str  # the class named in config.json, e.g. Qwen2ForCausalLM
    architecture_hash: str  # equal hashes: weights may be swapped in place
    tokenizer_hash: str  # tokenizer, chat template and generation config
    modality: Modality = Modality.TEXT
    model_type: str = ""
    context_length: int | None = None  # tokens; None where config.json does not say
    dtype: str | None = None
    size_bytes: int = 0


class BenchmarkRequest(Spec):
    """One benchmark of a job: `name` or `name:part`, and which problems of it (all by default)."""

    name: Name
    problems: tuple[int, ...] | None = None  # row indices
    first: int | None = Field(default=None, ge=1)  # or the first this many rows

    @model_validator(mode="after")
    def _one_selection(self) -> Self:
        if self.problems is not None and self.first is not None:
            raise ValueError("give either `problems` or `first`, not both")
        if self.problems is not None and (not self.problems or min(self.problems) < 0):
            raise ValueError("`problems` must name at least one row, counted from 0")
        return self


class StopEarly(Spec):
    """Sampling ends once it is known whether the checkpoint is better or worse than `baseline`.

    The chance that a job stops on two equally good checkpoints is at most `alpha`, however often
    it is looked at and over all of its benchmarks.
    """

    baseline: str = Field(min_length=1, max_length=220)  # RUN or RUN@STEP
    k: int = Field(default=1, ge=1, le=MAX_SAMPLES)  # of pass@k: blocks of k samples are compared
    alpha: float = Field(default=0.05, gt=0, lt=1)


class JobRequest(Spec):
    """Body of `POST /v1/jobs`: one checkpoint, several benchmarks, one protocol."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        str_strip_whitespace=True,
        json_schema_extra={
            "examples": [
                {
                    "checkpoint": "/models/qwen-grpo/checkpoint-100",
                    "run": "qwen-grpo-seed0",
                    "method": "GRPO + A-GRAE",
                    "step": 100,
                    "benchmarks": ["aime2025", "amc23"],
                    "protocol": "paper",
                    "samples": 16,
                }
            ]
        },
    )

    checkpoint: str = Field(min_length=1, max_length=MAX_PATH_CHARACTERS)
    run: Name
    method: Name = "unknown"
    step: int = Field(default=0, ge=0)
    base_model: str | None = Field(default=None, max_length=300)
    train_seed: int | None = None  # the seed of the training run, not of the sampling
    config: dict[str, Any] = Field(default_factory=dict)  # free-form, kept with the run
    benchmarks: tuple[BenchmarkRequest | str, ...] = Field(min_length=1, max_length=MAX_BENCHMARKS)
    protocol: NamedOrWritten = "quick"
    samples: int | None = Field(default=None, ge=1, le=MAX_SAMPLES)  # overrides the protocol's n
    ks: tuple[int, ...] | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=10)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = Field(default=None, ge=0)
    prompt: str | None = None
    engine: str | None = None  # vllm | transformers | openai | replay; the server's own by default
    engine_options: dict[str, Any] = Field(default_factory=dict)  # {"answers": ...} of replay
    priority: int = Field(default=0, ge=-MAX_PRIORITY, le=MAX_PRIORITY)
    stop_early: StopEarly | None = None
    allow_engine_change: bool = False  # add samples of another engine version to what is there

    def benchmark_requests(self) -> tuple[BenchmarkRequest, ...]:
        """The benchmarks, with plain names expanded."""
        return tuple(BenchmarkRequest(name=b) if isinstance(b, str) else b for b in self.benchmarks)

    def resolved_protocol(self) -> Protocol:
        """The protocol with this job's overrides. Raises ValueError when they contradict."""
        if isinstance(self.protocol, Protocol):
            base = self.protocol
        elif self.protocol in PROTOCOLS:
            base = PROTOCOLS[self.protocol]
        else:
            raise ValueError(
                f"there is no protocol {self.protocol!r}; known: {', '.join(PROTOCOLS)}, "
                "or give its settings as an object"
            )
        fields = ("samples", "max_tokens", "temperature", "top_p", "seed", "prompt", "ks")
        changes = {f: getattr(self, f) for f in fields if getattr(self, f) is not None}
        if "samples" in changes and "ks" not in changes:
            changes["ks"] = tuple(k for k in base.ks if k <= changes["samples"])
        return Protocol.model_validate({**base.model_dump(), **changes})


UnevaluatedState = Literal["waiting", "skipped", "rotated", "abandoned", "failed"]


class Announcement(Spec):
    """Body of `POST /v1/checkpoints`: a checkpoint to be evaluated, or why it is not.

    Hooks keep it on disk until the server has it, so both sides share these limits.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        str_strip_whitespace=True,
        json_schema_extra={
            "examples": [
                {
                    "path": "/models/qwen-grpo/checkpoint-100",
                    "run": "qwen-grpo-seed0",
                    "method": "GRPO",
                    "step": 100,
                    "benchmarks": ["aime2025", "amc23"],
                    "protocol": "paper",
                    "samples": 16,
                },
                {
                    "path": "/models/qwen-grpo/checkpoint-150",
                    "run": "qwen-grpo-seed0",
                    "step": 150,
                    "state": "rotated",
                    "reason": "the trainer removed it before it could be pinned",
                },
            ]
        },
    )

    path: str = Field(min_length=1, max_length=MAX_PATH_CHARACTERS, pattern=r"^[^\x00]+$")
    run: Name
    method: Name = "unknown"
    step: int = Field(ge=0, lt=2**31)
    base_model: str | None = Field(default=None, max_length=300)
    seed: int | None = Field(default=None, ge=0, lt=2**31, description="of the training")
    trainer: str | None = Field(default=None, max_length=100, description="e.g. trl, verl")
    benchmarks: tuple[Name, ...] = Field(default=(), max_length=MAX_BENCHMARKS)
    protocol: str | None = Field(default=None, max_length=200)
    samples: int | None = Field(default=None, ge=1, le=MAX_SAMPLES)
    state: UnevaluatedState | None = Field(
        default=None, description="why it is not to be evaluated"
    )
    reason: str | None = Field(default=None, max_length=MAX_REASON_CHARACTERS)

    def job_request(self) -> JobRequest:
        """The job that the announcement requests."""
        return JobRequest(
            checkpoint=self.path,
            run=self.run,
            method=self.method,
            step=self.step,
            base_model=self.base_model,
            train_seed=self.seed,
            config={"trainer": self.trainer} if self.trainer else {},
            benchmarks=self.benchmarks,
            protocol=self.protocol or "quick",
            samples=self.samples,
        )

    def without_job(self, state: str, reason: str) -> "Announcement":
        """The same checkpoint as a row with the reason why it is not evaluated."""
        changes = {"benchmarks": (), "state": state, "reason": reason[:MAX_REASON_CHARACTERS]}
        return Announcement.model_validate({**self.model_dump(), **changes})


class ShardSpec(Spec):
    """A slice of an evaluation, problems x samples: all that a crash can lose."""

    shard_id: str
    evaluation_id: str
    epoch: int  # of the dispatcher that sent it; a result of a former epoch is ignored
    attempt: int = 1
    checkpoint: CheckpointSpec
    benchmark: str  # name or name:part
    benchmark_revision: str  # content hash of the rows; the worker refuses other rows
    protocol: Protocol
    engine: str = "vllm"
    engine_options: dict[str, Any] = Field(default_factory=dict)
    problems: tuple[int, ...]  # row indices
    sample_start: int = Field(ge=0)
    sample_stop: int  # exclusive
    artifact: str  # where the transcript goes, relative to the artifact store's root

    @property
    def samples_per_problem(self) -> int:
        return self.sample_stop - self.sample_start

    @property
    def size(self) -> int:
        """Number of samples in the shard."""
        return len(self.problems) * self.samples_per_problem


class ProblemTally(Spec):
    """What one shard found for one problem. Bit i of a mask is sample `sample_start + i`."""

    problem: int  # row index
    problem_id: str
    n: int = Field(ge=0)  # samples that were answered and judged
    sampled: str  # masks as hexadecimal integers, "0" when empty
    correct: str
    truncated: str
    no_answer: str
    failed: str  # verifier failures: timeout, crashed, too_long
    tokens: int = 0  # output tokens over all samples
    tokens_correct: int = 0  # ... over the correct ones
    error: str | None = None  # why it could not be sampled: a broken image, too long a prompt


FAILED_VERDICTS = frozenset({"timeout", "crashed", "too_long"})


def verdict_flags(verdict: str) -> dict[str, bool]:
    """The masks of a tally that a sample with this verdict belongs to."""
    return {
        "correct": verdict == "correct",
        "no_answer": verdict == "no_answer",
        "failed": verdict in FAILED_VERDICTS,
    }


class ShardResult(Spec):
    """What a worker sends back: tallies only; the transcript is in the artifact store."""

    shard_id: str
    epoch: int
    tallies: tuple[ProblemTally, ...]
    artifact: str
    artifact_bytes: int = 0
    artifact_sha256: str = ""
    verifier: str
    provenance: dict[str, Any] = Field(default_factory=dict)
    seconds: float = 0.0
    output_tokens: int = 0
    prompt_tokens: int = 0


class WorkerState(StrEnum):
    STARTING = "starting"
    IDLE = "idle"
    LOADING = "loading"  # an engine starts
    SWAPPING = "swapping"  # weights are exchanged in place
    RUNNING = "running"
    DRAINING = "draining"
    DEAD = "dead"


class WorkerStatus(Spec):
    """A worker's report on itself, sent whenever it changes and with each result."""

    worker_id: str
    state: WorkerState
    engine: str = ""
    pid: int = 0
    host: str = ""
    device: str = ""
    checkpoint: str | None = None  # fingerprint of the loaded weights
    checkpoint_path: str | None = None
    architecture_hash: str | None = None
    tokenizer_hash: str | None = None
    shards_in_flight: tuple[str, ...] = ()
    requests_in_flight: int = 0  # samples that its engine is working on
    requests_wanted: int = 0  # samples that it wants to work on at once; 0 until it has started
    samples_done: int = 0
    tokens_per_second: float = 0.0
    swaps: int = 0  # weights exchanged in place
    cold_starts: int = 0  # engines started
    last_swap_seconds: float | None = None
    message: str = ""


class ShardProgress(Spec):
    """How far a running shard has come: samples judged so far."""

    shard_id: str
    done: int
    output_tokens: int
