"""Results made elsewhere become separate evaluations, marked `import:FORMAT`.

Counts are n and c per problem; which samples were right is then unknown, and the provenance says
so. Responses are judged here by this service's verifier, whatever verdicts the source has.
Importing the same run, step, benchmark and format again replaces the earlier import.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from evalsvc.catalogue import CatalogueError
from evalsvc.errors import BenchmarkError, UsageError
from evalsvc.imports import ROW_FORMATS, import_engine
from evalsvc.limits import MAX_SAMPLES
from evalsvc.services.benchmarks.traits import traits_of_dataset
from evalsvc.services.importing.grader_agreement import GraderAgreement, grader_agreement
from evalsvc.services.importing.judging import (
    Imported,
    judge_responses,
    same_golds,
    store_transcript,
)
from evalsvc.services.importing.matching import (
    Matching,
    Numbering,
    ProblemIds,
    SourceProblem,
    match_problems,
    some,
)
from evalsvc.services.importing.once import (
    Importer,
    Request,
    check_may_replace,
    find_repeated,
    marks,
)
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
from evalsvc.store.repositories.evaluations import EvaluationFilter
from evalsvc.store.repositories.problems import ProblemTraits

if TYPE_CHECKING:
    from evalsvc.catalogue import Catalogue, Dataset
    from evalsvc.services.jobs.datasets import DatasetCache

ProblemName = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00]+$")]


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


class ImportedProblem(BaseModel):
    """What the source says of a problem: by this it is found among the benchmark's."""

    model_config = ConfigDict(extra="forbid")
    problem_id: ProblemName
    question: str | None = Field(
        default=None,
        max_length=MAX_RESPONSE_CHARACTERS,
        description="its text, or the prompt that holds it",
    )
    gold: str | None = Field(default=None, max_length=MAX_RESPONSE_CHARACTERS)


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
    problem_ids: ProblemIds | None = Field(
        default=None,
        description="what the problem ids are, if it is known: the benchmark's own, or row indices",
    )
    problems: list[ImportedProblem] = Field(
        default=[], max_length=MAX_IMPORTED_PROBLEMS, description="what the source says of them"
    )
    counts: list[ImportedCount] | None = Field(default=None, max_length=MAX_IMPORTED_PROBLEMS)
    responses: list[ImportedResponse] | None = Field(
        default=None, max_length=MAX_IMPORTED_RESPONSES
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if bool(self.counts) == bool(self.responses):
            raise ValueError("give either `counts` or `responses`, with at least one row")
        names = [problem.problem_id for problem in self.problems]
        if len(set(names)) != len(names):
            raise ValueError("`problems` names a problem twice")
        return self

    def digest(self) -> str:
        """A digest that is equal for equal imports."""
        return content_hash(self.model_dump(mode="json", exclude_defaults=True), 64)

    def source_problems(self) -> list[SourceProblem]:
        """The problems that have results, each once, as the source describes them."""
        said = {row.problem_id: row for row in self.problems}
        rows: Sequence[ImportedCount | ImportedResponse] = self.counts or self.responses or ()
        names = dict.fromkeys(row.problem_id for row in rows)
        bare = ImportedProblem(problem_id="-")
        return [
            SourceProblem(name, said.get(name, bare).question, said.get(name, bare).gold)
            for name in names
        ]


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
    repeated: bool  # the same request was done before: nothing is changed
    notes: list[str]
    source_verdicts: GraderAgreement | None  # where the source's own grader differs


@dataclass(frozen=True)
class PreparedImport:
    """An import that can be stored: its rows and tallies."""

    revision: str
    traits: Sequence[ProblemTraits]
    tallies: Sequence[ProblemTally]
    notes: Sequence[str]
    imported: Imported | None = None
    agreement: GraderAgreement | None = None
    protocol: Protocol | None = None  # None: not named

    @property
    def samples(self) -> int:
        """The largest number of samples of a problem."""
        return max(tally.n for tally in self.tallies)


def prepare(
    request: ImportRequest, settings: Settings, catalogue: "Catalogue", datasets: "DatasetCache"
) -> PreparedImport:
    """Match the problems and judge the responses. Raises UsageError, CatalogueError."""
    protocol = named_protocol(request.protocol, request.benchmark, catalogue)
    dataset = dataset_of(request.benchmark, settings, catalogue, datasets)
    if request.counts is not None:
        counted = _prepare_counts(request, request.counts, dataset, catalogue, settings)
        return replace(counted, protocol=protocol)
    assert request.responses is not None, "the request has one of the two"
    if dataset is None:
        catalogue.get(request.benchmark)  # an unknown one is refused with similar names
        raise UsageError(
            f"The responses cannot be judged: the data of {request.benchmark!r} are not here.",
            f"evalsvc benchmarks add-data {request.benchmark.partition(':')[0]} --from PATH; "
            "or import counts.",
        )
    matched = _match(request, dataset, settings)
    grouped: dict[int, list[ImportedResponse]] = {}
    for row in request.responses:
        grouped.setdefault(matched.rows[row.problem_id], []).append(row)
    notes = [*matched.notes, *_unequal([len(own) for own in grouped.values()])]
    judged = judge_responses(dataset, grouped, settings, protocol.prompt if protocol else "default")
    agreement = grader_agreement(judged.rows, grouped)
    traits = traits_of_dataset(dataset)
    return PreparedImport(
        dataset.revision, traits, judged.tallies, notes, judged, agreement, protocol
    )


def repeated(
    session: Session,
    request: ImportRequest,
    who: Importer,
    asked: Request,
    dataset: "Dataset | None",
) -> ImportView | None:
    """The earlier result of the same request; None if there is none, or if the verifier or the
    rows have changed since.
    """
    wanted = EvaluationFilter(run=request.run, step=request.step, benchmark=request.benchmark)
    row = find_repeated(session, wanted, who, asked)
    if row is None or (row.verifier is not None and row.verifier != _verifier()):
        return None
    if dataset is not None and dataset.revision != row.revision.revision:
        return None
    origin = row.provenance
    return ImportView(
        evaluation=row.id,
        benchmark=request.benchmark,
        run=request.run,
        step=request.step,
        problems=row.problems_seen,
        samples=row.samples_seen,
        correct=row.samples_correct,
        replaced=False,
        repeated=True,
        notes=list(origin.get("notes", ())),
        source_verdicts=None,
    )


def store(
    session: Session,
    request: ImportRequest,
    prepared: PreparedImport,
    settings: Settings,
    who: Importer,
    asked: Request,
) -> ImportView:
    """Store a prepared import in the caller's transaction.

    Raises PermissionDenied where it would replace another owner's import.
    """
    checkpoint = _checkpoint(session, request)
    tool = request.format if request.format in ROW_FORMATS else None
    protocol, protocol_hash = with_samples(prepared.protocol, prepared.samples, tool)
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
    check_may_replace(row, who)
    replaced = imports.clear(session, row)
    results.add(session, row, 0, prepared.tallies)
    _finish(row, request, prepared)
    row.provenance = {**row.provenance, **marks(who, asked)}
    if prepared.imported is not None:
        transcript = store_transcript(settings, row.id, prepared.imported)
        imports.add_transcript(session, row, prepared.tallies, transcript)
    events.record(session, "import.done", evaluation_id=row.id, format=request.format, by=who.name)
    return ImportView(
        evaluation=row.id,
        benchmark=request.benchmark,
        run=request.run,
        step=request.step,
        problems=len(prepared.tallies),
        samples=sum(tally.n for tally in prepared.tallies),
        correct=sum(int(tally.correct, 16).bit_count() for tally in prepared.tallies),
        replaced=replaced,
        repeated=False,
        notes=list(prepared.notes),
        source_verdicts=prepared.agreement,
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
    if (agreement := prepared.agreement) is not None:
        origin["source_verdicts"] = (
            f"{agreement.correct} of {agreement.samples} correct, here {agreement.correct_here}; "
            f"different on {sum(entry.samples for entry in agreement.disagreements)}"
        )
    if prepared.notes:
        origin["notes"] = list(prepared.notes)
    row.provenance = origin


def _verifier() -> str:
    from evalsvc.verification import VERIFIER_VERSION  # noqa: PLC0415 - an extra

    return VERIFIER_VERSION


def _checkpoint(session: Session, request: ImportRequest) -> Checkpoint:
    run = runs.find_or_create(
        session,
        request.run,
        method=request.method,
        base_model=request.base_model,
        train_seed=request.train_seed,
    )
    return checkpoints.at_step(session, run, request.step)


def dataset_of(
    name: str, settings: Settings, catalogue: "Catalogue", datasets: "DatasetCache"
) -> "Dataset | None":
    """The benchmark's problems; None where the catalogue or this machine lacks them."""
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


def _match(request: ImportRequest, dataset: "Dataset", settings: Settings) -> Matching:
    return match_problems(
        request.source_problems(),
        dataset,
        request.benchmark,
        Numbering(request.format in ROW_FORMATS, request.problem_ids),
        lambda pairs: same_golds(dataset, settings, pairs),
    )


def _unequal(samples: Sequence[int]) -> list[str]:
    """A note if the number of samples differs by problem: part of the file may be missing."""
    least, most = min(samples), max(samples)
    if least == most:
        return []
    return [f"The problems have between {least:,} and {most:,} samples: is the file whole?"]


def _prepare_counts(
    request: ImportRequest,
    counts: Sequence[ImportedCount],
    dataset: "Dataset | None",
    catalogue: "Catalogue",
    settings: Settings,
) -> PreparedImport:
    benchmark = request.benchmark
    ids = [row.problem_id for row in counts]
    doubled = [name for name, count in _occurrences(ids).items() if count > 1]
    if doubled:
        raise UsageError(
            f"These problems occur more than once: {some(doubled)}.",
            "Give one line per problem, with all of its samples.",
        )
    if dataset is not None:
        matched = _match(request, dataset, settings)
        rows, notes = matched.rows, list(matched.notes)
        revision, traits = dataset.revision, traits_of_dataset(dataset)
    else:
        ordered = sorted(
            ids, key=lambda name: (len(name), name) if name.isdecimal() else (301, name)
        )
        rows = {name: index for index, name in enumerate(ordered)}
        revision = content_hash(["imported", ordered], 64)
        traits = [ProblemTraits(i, name, cluster=name) for i, name in enumerate(ordered)]
        notes = [
            f"{_absent(benchmark, catalogue)} Its problems are known by the ids of this "
            "import only, each its own cluster."
        ]
    tallies = [_tally(rows[row.problem_id], row) for row in counts if row.n > 0]
    if not tallies:
        raise UsageError("No problem has a sample (every n is 0).", "There is nothing to import.")
    without = len(counts) - len(tallies)
    if without:
        notes.append(f"{without:,} problems without samples are left out.")
    notes += _unequal([tally.n for tally in tallies])
    return PreparedImport(revision, traits, sorted(tallies, key=lambda t: t.problem), notes)


def _absent(benchmark: str, catalogue: "Catalogue") -> str:
    """Why the problems of a benchmark are not known."""
    try:
        catalogue.get(benchmark)
    except CatalogueError as error:
        return f"{error.message} {error.remedy}"
    return f"The data of {benchmark!r} are not here."


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
