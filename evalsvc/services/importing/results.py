"""Results that were made elsewhere become evaluations of their own, marked `import:FORMAT`.

Counts come as n and c per problem; which samples were right is not known then, and said in the
provenance. Responses are judged here by this service's verifier, whatever the source says of them.
Importing the same run, step, benchmark and format again replaces what was imported before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from evalsvc.errors import BenchmarkError, UsageError
from evalsvc.imports import import_engine
from evalsvc.limits import MAX_SAMPLES
from evalsvc.services.benchmarks.traits import traits_of_dataset
from evalsvc.services.importing.grader_agreement import GraderAgreement, grader_agreement
from evalsvc.services.importing.judging import Imported, judge_responses, store_transcript
from evalsvc.services.importing.protocols import named_protocol, with_samples
from evalsvc.services.limits import (
    MAX_IMPORTED_PROBLEMS,
    MAX_IMPORTED_RESPONSES,
    MAX_RESPONSE_CHARACTERS,
)
from evalsvc.settings import Settings
from evalsvc.specs import Name, ProblemTally, Protocol, content_hash
from evalsvc.store.database import Session
from evalsvc.store.models import Checkpoint, Evaluation
from evalsvc.store.repositories import (
    checkpoints,
    evaluations,
    events,
    imports,
    results,
    revisions,
    runs,
)
from evalsvc.store.repositories.problems import ProblemTraits

if TYPE_CHECKING:
    from evalsvc.catalogue import Catalogue, Dataset
    from evalsvc.services.jobs.datasets import DatasetCache

ProblemName = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00]+$")]
ProblemNames = Literal["id", "row"]
SHOWN = 5


class ImportedCount(BaseModel):
    """n samples of a problem, of which c are correct."""

    model_config = ConfigDict(extra="forbid")
    problem_id: ProblemName
    n: int = Field(ge=0, le=MAX_SAMPLES)
    c: int = Field(ge=0, le=MAX_SAMPLES)

    @model_validator(mode="after")
    def _no_more_correct_than_drawn(self) -> Self:
        if self.c > self.n:
            raise ValueError(f"c = {self.c} correct samples of n = {self.n}; are they swapped?")
        return self


class ImportedResponse(BaseModel):
    """One response to a problem, in the order of its samples."""

    model_config = ConfigDict(extra="forbid")
    problem_id: ProblemName
    response: str = Field(max_length=MAX_RESPONSE_CHARACTERS)
    truncated: bool = False
    output_tokens: int = Field(default=0, ge=0, lt=2**31)
    claimed_correct: bool | None = Field(
        default=None, description="what the source's own grader says; it is only compared"
    )


class ImportRequest(BaseModel):
    """Either counts or responses of one checkpoint on one benchmark."""

    model_config = ConfigDict(
        extra="forbid",
        str_strip_whitespace=False,
        json_schema_extra={
            "examples": [
                {
                    "format": "counts",
                    "run": "qwen-grpo-seed0",
                    "method": "GRPO",
                    "step": 100,
                    "benchmark": "aime2025",
                    "counts": [{"problem_id": "0", "n": 256, "c": 17}],
                }
            ]
        },
    )
    format: str = Field(default="counts", pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    run: Name
    method: Name = "unknown"
    step: int = Field(default=0, ge=0, lt=2**31)
    base_model: str | None = Field(default=None, max_length=300)
    train_seed: int | None = Field(default=None, ge=0, lt=2**31)
    benchmark: Name
    protocol: Name | None = Field(
        default=None, description="a named protocol, if the samples were drawn under it"
    )
    source: str | None = Field(default=None, max_length=1000, description="where it comes from")
    problem_ids: ProblemNames | None = Field(
        default=None, description="what `problem_id` is; needed where a number can be both"
    )
    counts: list[ImportedCount] | None = Field(default=None, max_length=MAX_IMPORTED_PROBLEMS)
    responses: list[ImportedResponse] | None = Field(
        default=None, max_length=MAX_IMPORTED_RESPONSES
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if bool(self.counts) == bool(self.responses):
            raise ValueError("give either `counts` or `responses`, with at least one row")
        return self


@dataclass(frozen=True)
class ImportView:
    """What was imported."""

    evaluation: str
    benchmark: str
    run: str
    step: int
    problems: int
    samples: int
    correct: int
    replaced: bool
    notes: list[str]
    source_verdicts: GraderAgreement | None  # where the source's own grader differs


@dataclass(frozen=True)
class PreparedImport:
    """An import that can be stored: which rows it is about, and the tallies."""

    revision: str
    traits: Sequence[ProblemTraits]
    tallies: Sequence[ProblemTally]
    notes: Sequence[str]
    imported: Imported | None = None
    claims: GraderAgreement | None = None
    protocol: Protocol | None = None  # None: nobody named it

    @property
    def samples(self) -> int:
        """The largest number of samples of a problem."""
        return max(tally.n for tally in self.tallies)


def prepare(
    request: ImportRequest, settings: Settings, catalogue: "Catalogue", datasets: "DatasetCache"
) -> PreparedImport:
    """Match the problems and judge the responses. Raises UsageError, CatalogueError."""
    protocol = named_protocol(request.protocol, request.benchmark, catalogue)
    dataset = _dataset(request.benchmark, settings, catalogue, datasets)
    if request.counts is not None:
        counted = _prepare_counts(request.counts, request.benchmark, dataset, request.problem_ids)
        return replace(counted, protocol=protocol)
    assert request.responses is not None, "the request has one of the two"
    if dataset is None:
        raise UsageError(
            f"The responses cannot be judged: the data of {request.benchmark!r} are not here.",
            f"evalsvc benchmarks add-data {request.benchmark.partition(':')[0]} --from PATH; "
            "or import counts.",
        )
    ids = list(dict.fromkeys(row.problem_id for row in request.responses))
    rows, notes = _match(ids, request.benchmark, dataset, request.problem_ids)
    grouped: dict[int, list[ImportedResponse]] = {}
    for row in request.responses:
        grouped.setdefault(rows[row.problem_id], []).append(row)
    judged = judge_responses(dataset, grouped, settings, protocol.prompt if protocol else "default")
    claims = grader_agreement(judged.rows, grouped)
    traits = traits_of_dataset(dataset)
    return PreparedImport(dataset.revision, traits, judged.tallies, notes, judged, claims, protocol)


def store(
    session: Session, request: ImportRequest, prepared: PreparedImport, settings: Settings, who: str
) -> ImportView:
    """Store a prepared import in the caller's transaction."""
    checkpoint = _checkpoint(session, request)
    protocol, protocol_hash = with_samples(prepared.protocol, prepared.samples)
    revision = revisions.find_or_create(
        session, request.benchmark, prepared.revision, lambda: prepared.traits
    )
    engine = import_engine(request.format)
    identity = ["import", checkpoint.id, revision.id, protocol_hash, engine]
    imported = Evaluation(
        id=content_hash(identity, 32),
        checkpoint_id=checkpoint.id,
        revision_id=revision.id,
        benchmark=request.benchmark,
        protocol=protocol,
        protocol_hash=protocol_hash,
        engine=engine,
        samples_wanted=0,
        problems_wanted=0,
    )
    row, _ = evaluations.find_or_create(session, imported)
    replaced = imports.clear(session, row)
    results.add(session, row, 0, prepared.tallies)
    _finish(row, request, prepared)
    if prepared.imported is not None:
        transcript = store_transcript(settings, row.id, prepared.imported)
        imports.add_transcript(session, row, prepared.tallies, transcript)
    events.record(session, "import.done", evaluation_id=row.id, format=request.format, by=who)
    return ImportView(
        evaluation=row.id,
        benchmark=request.benchmark,
        run=request.run,
        step=request.step,
        problems=len(prepared.tallies),
        samples=sum(tally.n for tally in prepared.tallies),
        correct=sum(int(tally.correct, 16).bit_count() for tally in prepared.tallies),
        replaced=replaced,
        notes=list(prepared.notes),
        source_verdicts=prepared.claims,
    )


def _finish(row: Evaluation, request: ImportRequest, prepared: PreparedImport) -> None:
    imports.mark_done(row, samples=prepared.samples, problems=len(prepared.tallies))
    row.verifier = prepared.imported.verifier if prepared.imported else None
    origin: dict[str, Any] = {
        "imported": request.format,
        "source": request.source,
        "protocol": request.protocol or "not known",
        "samples": "judged here"
        if prepared.imported
        else "only counts; which are right is unknown",
    }
    if (claims := prepared.claims) is not None:
        origin["source_verdicts"] = (
            f"{claims.correct} of {claims.samples} correct, here {claims.correct_here}; "
            f"different on {sum(entry.samples for entry in claims.disagreements)}"
        )
    row.provenance = origin


def _checkpoint(session: Session, request: ImportRequest) -> Checkpoint:
    run = runs.find_or_create(
        session,
        request.run,
        method=request.method,
        base_model=request.base_model,
        train_seed=request.train_seed,
    )
    return checkpoints.at_step(session, run, request.step)


def _dataset(
    name: str, settings: Settings, catalogue: "Catalogue", datasets: "DatasetCache"
) -> "Dataset | None":
    """The benchmark's problems; None where the catalogue or this machine does not have them."""
    base = name.partition(":")[0]
    if base not in catalogue.names():
        return None
    bundled = any(row_set.bundled for row_set in catalogue.get(name).sets.values())
    if not bundled and not Path(settings.data / "benchmarks" / base).is_dir():
        return None
    try:
        return datasets.load(name)
    except BenchmarkError:
        return None


def _prepare_counts(
    counts: Sequence[ImportedCount],
    benchmark: str,
    dataset: "Dataset | None",
    names: ProblemNames | None,
) -> PreparedImport:
    ids = [row.problem_id for row in counts]
    doubled = [name for name, count in _occurrences(ids).items() if count > 1]
    if doubled:
        raise UsageError(
            f"These problems occur more than once: {_some(doubled)}.",
            "Give one line per problem, with all of its samples.",
        )
    if dataset is not None:
        rows, notes = _match(ids, benchmark, dataset, names)
        revision, traits = dataset.revision, traits_of_dataset(dataset)
    else:
        ordered = sorted(
            ids, key=lambda name: (len(name), name) if name.isdecimal() else (301, name)
        )
        rows = {name: index for index, name in enumerate(ordered)}
        revision = content_hash(["imported", ordered], 64)
        traits = [ProblemTraits(i, name, cluster=name) for i, name in enumerate(ordered)]
        notes = [
            f"The data of {benchmark!r} are not here: its problems are known by the ids of this "
            "import only, each its own cluster."
        ]
    tallies = [_tally(rows[row.problem_id], row) for row in counts if row.n > 0]
    if not tallies:
        raise UsageError("No problem has a sample (every n is 0).", "There is nothing to import.")
    without = len(counts) - len(tallies)
    if without:
        notes.append(f"{without:,} problems without samples are left out.")
    return PreparedImport(revision, traits, sorted(tallies, key=lambda t: t.problem), notes)


def _match(
    ids: Sequence[str], benchmark: str, dataset: "Dataset", names: ProblemNames | None
) -> tuple[dict[str, int], list[str]]:
    """Row of each name: by the benchmark's own ids, or by rows, whichever `names` says.

    Where it says neither, the one that fits all names; refused where both do and differ.
    """
    known = {name: problem.index for name, problem in dataset.by_id.items()}
    by_id = {name: known[name] for name in ids if name in known}
    by_row = {name: row for name in ids if (row := _row_number(name, len(dataset))) is not None}
    if names is None and len(by_id) == len(by_row) == len(ids) and by_id != by_row:
        first = next(name for name in ids if by_id[name] != by_row[name])
        raise UsageError(
            f"The problem ids can be ids of {benchmark!r} or numbers of its rows, and these are "
            f"other problems: {first!r} is the id of row {by_id[first]}, and row {first} has the "
            f"id {dataset.problems[by_row[first]].id!r}.",
            "Say which they are: `--problem-ids id` or `--problem-ids row` "
            "(`problem_ids` in REST). Nothing was stored.",
        )
    if names != "row" and len(by_id) == len(ids):
        return by_id, []
    if names != "id" and len(by_row) == len(ids):
        return by_row, ["The problem ids were taken as row indices."]
    matched = by_row if names == "row" else by_id
    unknown = [name for name in ids if name not in matched]
    raise UsageError(
        f"{len(unknown):,} problems are not in the benchmark {benchmark!r}: {_some(unknown)}.",
        "Use the benchmark's ids or row indices, or import under another benchmark's name.",
    )


def _row_number(name: str, rows: int) -> int | None:
    if not (name.isascii() and name.isdecimal()) or len(name) > len(str(rows)):
        return None
    return int(name) if int(name) < rows else None


def _tally(index: int, row: ImportedCount) -> ProblemTally:
    return ProblemTally(
        problem=index,
        problem_id=row.problem_id,
        n=row.n,
        sampled=format((1 << row.n) - 1, "x"),
        correct=format((1 << row.c) - 1, "x"),
        truncated="0",
        no_answer="0",
        failed="0",
    )


def _occurrences(ids: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in ids:
        found[name] = found.get(name, 0) + 1
    return found


def _some(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - SHOWN:,} more" if len(ids) > SHOWN else ""
    return ", ".join(name[:60] for name in ids[:SHOWN]) + more
