"""Job requests checked in full and resolved, before the database is touched.

Every fault that can be found at submission is refused here, with a remedy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from evalsvc.catalogue import Benchmark, CatalogueError, Dataset
from evalsvc.errors import BenchmarkError, CheckpointError, ProtocolError
from evalsvc.services.jobs.admission import CheckpointCache, admit_checkpoint, admit_engine
from evalsvc.services.jobs.datasets import DatasetCache, canonical_name
from evalsvc.settings import Settings
from evalsvc.specs import (
    BenchmarkRequest,
    CheckpointSpec,
    JobRequest,
    Modality,
    Protocol,
)
from evalsvc.store.identifiers import evaluation_id

OFFICIAL = "official"  # defined only by the benchmark's folder
REMEDY = "Correct the protocol, or what the request says beside it."
CHARACTERS_PER_TOKEN_AT_MOST = 12  # gives a lower bound of a prompt's tokens, without its tokenizer


@dataclass(frozen=True)
class PreparedEvaluation:
    """One benchmark of a job."""

    id: str
    benchmark: str
    dataset: Dataset
    protocol: Protocol
    problems: tuple[int, ...] | None  # None: all

    @property
    def wanted(self) -> Sequence[int]:
        """Row indices."""
        return range(len(self.dataset)) if self.problems is None else self.problems


@dataclass(frozen=True)
class PreparedJob:
    """A request that can be carried out."""

    request: JobRequest
    checkpoint: CheckpointSpec
    engine: str
    evaluations: tuple[PreparedEvaluation, ...]


class Preparation:
    """Prepares requests with a server's settings and caches. Safe to share between threads."""

    def __init__(
        self,
        settings: Settings,
        datasets: DatasetCache,
        checkpoints: CheckpointCache,
    ) -> None:
        self.settings = settings
        self._datasets = datasets
        self._checkpoints = checkpoints

    def prepare(self, request: JobRequest) -> PreparedJob:
        """Check and resolve. Raises UsageError (or a subclass) or PermissionDenied."""
        settings = self.settings
        engine = request.engine or settings.engine
        identity = admit_engine(engine, request.engine_options, settings)
        checkpoint = admit_checkpoint(request.checkpoint, engine, settings, self._checkpoints)
        evaluations: dict[str, PreparedEvaluation] = {}
        for asked in request.benchmark_requests():
            dataset = self._datasets.load(asked.name)
            protocol = resolve_protocol(request, dataset.benchmark)
            _check_fit(checkpoint, dataset, protocol)
            name = canonical_name(dataset)
            identifier = evaluation_id(
                checkpoint=checkpoint,
                benchmark=name,
                revision=dataset.revision,
                prompt_hash=dataset.benchmark.prompt(protocol.prompt).hash,
                protocol=protocol,
                engine=engine,
                engine_identity=identity,
            )
            if identifier in evaluations:
                raise BenchmarkError(
                    f"The job asks for {name!r} twice.", "Name each benchmark or part once."
                )
            problems = select_problems(asked, dataset)
            evaluations[identifier] = PreparedEvaluation(
                identifier, name, dataset, protocol, problems
            )
        return PreparedJob(request, checkpoint, engine, tuple(evaluations.values()))


def resolve_protocol(request: JobRequest, benchmark: Benchmark) -> Protocol:
    """The protocol for one benchmark: the request's settings, then the benchmark's, then ours.

    Raises ProtocolError when they contradict each other.
    """
    name = request.protocol if isinstance(request.protocol, str) else request.protocol.name
    own = benchmark.protocols.get(name) if isinstance(request.protocol, str) else None
    if own is None and request.protocol == OFFICIAL:
        raise ProtocolError(
            f"{benchmark.name!r} has no protocol of its authors' own for language models.",
            "Ask it under `paper`, `quick` or `greedy`.",
        )
    changes: dict[str, Any] = {}
    if own is not None:
        changes = {
            field: value
            for field, value in own.model_dump(exclude={"prompt"}).items()
            if value is not None and getattr(request, field) is None
        }
        if "ks" in changes and (samples := request.samples) is not None:
            changes["ks"] = tuple(k for k in changes["ks"] if k <= samples) or None
    try:
        protocol = request.model_copy(update=changes).resolved_protocol()
        prompt = benchmark.prompt_name(protocol.prompt, name)
    except ValidationError as error:
        first = error.errors()[0]
        words = str(first["msg"]).removeprefix("Value error, ")
        where = "".join(f"{step}: " for step in first["loc"])
        raise ProtocolError(f"The protocol cannot be used: {where}{words}.", REMEDY) from error
    except CatalogueError as error:
        raise ProtocolError(error.message, error.remedy) from error
    except ValueError as error:
        raise ProtocolError(f"The protocol cannot be used: {error}.", REMEDY) from error
    return protocol.model_copy(update={"prompt": prompt})


def select_problems(asked: BenchmarkRequest, dataset: Dataset) -> tuple[int, ...] | None:
    """The requested rows; None means all. Raises BenchmarkError for a row that does not exist."""
    if asked.problems is not None:
        if (last := max(asked.problems)) >= len(dataset):
            raise BenchmarkError(
                f"{asked.name!r} has no problem {last}; it has {len(dataset)}.",
                "Name rows from 0 on.",
            )
        chosen = tuple(sorted(set(asked.problems)))
    else:
        chosen = tuple(range(min(asked.first or len(dataset), len(dataset))))
    return None if len(chosen) == len(dataset) else chosen


def _check_fit(checkpoint: CheckpointSpec, dataset: Dataset, protocol: Protocol) -> None:
    benchmark = dataset.benchmark
    if benchmark.needs_images and checkpoint.modality == Modality.TEXT:
        raise CheckpointError(
            f"{benchmark.full_name!r} shows pictures; {checkpoint.architecture} reads only text.",
            "Leave this benchmark out, or evaluate a vision-language model.",
        )
    if (context := checkpoint.context_length) is None:
        return
    shortest = min(len(problem.question) for problem in dataset)
    needed = protocol.max_tokens + shortest // CHARACTERS_PER_TOKEN_AT_MOST + 1
    if needed > context:
        raise ProtocolError(
            f"max_tokens = {protocol.max_tokens} and a prompt of {benchmark.full_name!r} need at "
            f"least {needed} tokens, but the checkpoint's context holds {context}.",
            f"Set max_tokens below {context - (needed - protocol.max_tokens)}, leaving room for "
            "the prompts.",
        )
