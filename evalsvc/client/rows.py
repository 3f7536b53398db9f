"""What the client returns: typed, immutable records, and tables of them.

Records keep fields that a newer server adds (as attributes), so that nothing is lost on the way to
JSON. Values are fractions of 1; a pair such as `interval_fixed` is (low, high).
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeVar, overload

from pydantic import BaseModel, ConfigDict

from evalsvc.errors import MissingPackage

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

Interval = tuple[float, float]
ConfidenceName = Literal["proven", "computed", "convention"]  # how a verdict was reached
ENDED = frozenset({"done", "failed", "cancelled"})  # states in which a job stays
SHOWN_ROWS = 20  # in the text and HTML forms of a table


class Record(BaseModel):
    """One thing that a server answered."""

    model_config = ConfigDict(frozen=True, extra="allow")

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values, as the server sent it."""
        return self.model_dump(mode="json")

    @classmethod
    def column_names(cls) -> list[str]:
        """The columns of a table of these records."""
        names: list[str] = []
        for name in cls.model_fields:
            names += _parts(name) if name in cls.pairs else [name]
        return names

    def cells(self) -> dict[str, Any]:
        """One value per column: a pair becomes two columns, NAME_low and NAME_high."""
        values: dict[str, Any] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if name in self.pairs:
                values.update(zip(_parts(name), value or (None, None), strict=True))
            else:
                values[name] = list(value) if isinstance(value, tuple) else value
        return values

    pairs: ClassVar[frozenset[str]] = frozenset()


def _parts(name: str) -> tuple[str, str]:
    return f"{name}_low", f"{name}_high"


class JobProgress(Record):
    """Samples done of those wanted, and the number of shards in each state."""

    samples_done: int
    samples_wanted: int
    fraction: float
    shards: dict[str, int]


class JobBenchmark(Record):
    """One benchmark of a job; `id` is the evaluation, which other jobs may share."""

    id: str
    benchmark: str
    state: str
    samples: int  # per problem
    problems: int
    ks: tuple[int, ...]
    samples_done: int
    samples_wanted: int
    error: str | None
    remedy: str | None


class Job(Record):
    """One submission: a checkpoint on several benchmarks.

    `state` is queued, running, done, failed or cancelled; `reasons` are the failures that you must
    see, each with what to do.
    """

    id: str
    owner: str
    state: str
    priority: int
    run: str
    method: str
    step: int
    checkpoint: str
    progress: JobProgress
    evaluations: tuple[JobBenchmark, ...]
    reasons: tuple[str, ...]
    error: str | None
    remedy: str | None
    request: dict[str, Any]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def ended(self) -> bool:
        """Whether the job is done, failed or cancelled."""
        return self.state in ENDED


class MetricValue(Record):
    """One figure. `interval_fixed`: sampling noise on these problems; None where k > n/2.

    `interval_population`: other problems of this kind. `indicator`: k = n.
    """

    metric: str
    k: int
    value: float
    interval_fixed: Interval | None
    interval_population: Interval
    problems: int
    clusters: int
    samples: int
    indicator: bool


class EvaluationResult(Record):
    """One checkpoint on one benchmark under one protocol, with its figures.

    `coverage` is the share of the wanted samples that exist. Samples that are missing are never
    counted as wrong. `notes` says what a reader must know of the figures.
    """

    id: str
    run: str
    method: str
    base_model: str | None
    step: int
    checkpoint_id: int
    benchmark: str
    revision: str
    engine: str
    state: str
    complete: bool
    coverage: float
    problems_wanted: int
    problems_seen: int
    samples_wanted: int  # per problem
    samples_seen: int  # over all problems
    truncated_rate: float | None
    no_answer_rate: float | None
    verifier_failure_rate: float | None
    output_tokens: int
    protocol: dict[str, Any]
    protocol_hash: str
    verifier: str | None
    error: str | None
    remedy: str | None
    created_at: datetime
    finished_at: datetime | None
    metrics: dict[str, MetricValue]  # by name, as in "pass@16"
    notes: tuple[str, ...]
    provenance: dict[str, Any]
    problems_total: int = 0  # of the benchmark; 0: an older server did not say
    remarks: tuple[str, ...] = ()  # what stands beside each figure
    held_by: tuple[str, ...] = ()  # every RUN@STEP (METHOD) with the same weights


class MetricRow(Record):
    """One figure of a registered metric: a row of `Client.metrics`.

    `name` is the metric with its k; `k` is None for a metric without k. An interval is None where
    the metric has none. `unit` is "fraction" where the value is a share.
    """

    pairs = frozenset({"interval_fixed", "interval_population"})

    metric: str
    name: str
    k: int | None
    value: float
    unit: str
    higher_is_better: bool | None
    interval_fixed: Interval | None
    interval_population: Interval | None
    problems: int
    clusters: int
    samples: int
    indicator: bool


class ResultFigure(Record):
    """One figure of one evaluation: a row of `Client.results`.

    `k` and `interval_population` are None only for metrics other than pass@k.
    """

    pairs = frozenset({"interval_fixed", "interval_population"})

    evaluation: str
    run: str
    step: int
    method: str
    benchmark: str
    metric: str
    k: int | None
    value: float
    interval_fixed: Interval | None
    interval_population: Interval | None
    problems: int
    samples: int
    state: str
    complete: bool
    coverage: float
    protocol: str
    verifier: str | None
    problems_total: int = 0  # of the benchmark
    remarks: str = ""
    unit: str = "fraction"


class ComparisonRow(Record):
    """Candidate minus baseline on one benchmark at one k, two-sided, paired by problem.

    `p_adjusted` is after Holm's correction over the `family_size` tests that `family` names.
    `sentence` says what the data show, and no more.
    """

    pairs = frozenset({"interval_fixed", "interval_population"})

    benchmark: str
    metric: str
    k: int
    baseline: float
    candidate: float
    difference: float
    interval_fixed: Interval | None
    interval_population: Interval
    p_value: float
    p_adjusted: float
    minimum_detectable_effect: float
    sentence: str
    significant: bool
    margin: float
    equivalent: bool
    equivalence_p_value: float
    test: str
    family_size: int
    family: str
    discordant: int
    candidate_only: int
    baseline_only: int
    problems: int
    clusters: int
    indicator: bool
    baseline_method: str
    candidate_method: str
    baseline_checkpoint: str
    candidate_checkpoint: str
    baseline_evaluation: str
    candidate_evaluation: str
    baseline_coverage: float
    candidate_coverage: float
    notes: tuple[str, ...]


class CurveCrossing(Record):
    """Where two curves cross, between two k; not `resolved`: noise can explain it.

    `resolved_between`: two k further apart between which they are known to cross, if any.
    """

    benchmark: str
    baseline_checkpoint: str
    candidate_checkpoint: str
    k: float
    below: int
    above: int
    leader_below: str
    leader_above: str
    resolved: bool
    resolved_between: tuple[int, int] | None


class MethodDifference(Record):
    """Candidate method minus baseline method at one k, over several training runs of each."""

    benchmark: str
    baseline: str
    candidate: str
    baseline_runs: int
    candidate_runs: int
    k: int
    difference: float
    interval_fixed: Interval
    interval_population: Interval
    p_value: float
    p_adjusted: float
    sentence: str


class CurveVerdict(Record):
    """Two whole pass@k curves, all `ks` judged together: candidate minus baseline, two-sided.

    `p_value` is of the whole curve, `adjusted` has one per k, and `band` holds at all k at once: it
    excludes 0 exactly where `adjusted` is at most `alpha`.
    """

    benchmark: str
    baseline_checkpoint: str
    candidate_checkpoint: str
    baseline_evaluation: str
    candidate_evaluation: str
    ks: tuple[int, ...]
    difference: tuple[float, ...]
    p_value: float
    adjusted: tuple[float, ...]
    band: tuple[Interval, ...]
    alpha: float
    problems: int
    clusters: int
    thinned: bool
    sentence: str


class BenchmarkClaimRow(Record):
    """One benchmark of a claim; `p_adjusted` is after Holm's correction over the benchmarks."""

    benchmark: str
    weight: float
    baseline: float
    candidate: float
    difference: float
    p_adjusted: float
    outcome: str
    problems: int


class ClaimRunRow(Record):
    """A run that a claim rests on; one that is not `counted` says why in `reason`."""

    side: str
    run: str
    step: int
    method: str
    base_model: str | None
    train_seed: int | None
    score: float
    scores: dict[str, float]
    evaluations: dict[str, str]
    counted: bool
    reason: str


class Claim(Record):
    """Candidate minus baseline over several benchmarks, weighted; two-sided.

    `unit` is "checkpoint" (one run a side: this is not about methods) or "run". `outcome` is
    better, worse or unresolved. `every_p_value`: that it holds on every benchmark. `smallest_p`:
    what a permutation of so few runs can reach at best.
    """

    baseline: str
    candidate: str
    unit: str
    baseline_runs: int
    candidate_runs: int
    k: int
    alpha: float
    test: str
    estimate: float
    interval: Interval
    p_value: float
    smallest_p: float | None
    outcome: str
    every_p_value: float
    every: bool
    benchmarks: tuple[BenchmarkClaimRow, ...]
    base_models: dict[str, float]
    runs: tuple[ClaimRunRow, ...]
    sentence: str
    notes: tuple[str, ...]


class PowerPlan(Record):
    """A design and the power it reaches; `reached` is False where no design up to the limits does.

    `total_samples`, `tokens` and `hours` are for both sides and all runs.
    """

    k: int
    effect: float
    alpha: float
    problems: int
    samples: int
    runs: int
    power: float
    best_power: float
    reached: bool
    total_samples: int
    tokens: float
    hours: float
    sentence: str


class ProblemCount(Record):
    """One problem of an evaluation: n samples, c of them correct."""

    problem: int  # row index
    problem_id: str
    n: int
    c: int
    error: str | None


class SampleRow(Record):
    """One response with its verdict. `correct` follows a person's `override` where there is one.

    `span` is where the extracted answer stands in the response, in characters.
    """

    pairs = frozenset({"span"})

    evaluation: str
    problem: int  # row index
    problem_id: str
    sample: int
    response: str
    finish_reason: str
    output_tokens: int
    extracted: str | None
    span: tuple[int, int] | None
    verdict: str
    correct: bool
    rule: str
    verifier: str
    verify_ms: float
    seed: int | None
    override: dict[str, Any] | None
    confidence: str | None = None


RecordT = TypeVar("RecordT", bound=Record)


class Table(Sequence[RecordT]):
    """Records of one kind, in order. Iterate over it, index it, or turn it into a data frame.

    Args:
        kind: the class of the records, which names the columns also where there is no row.
        rows: the records.
        notes: what a reader must know of them.
    """

    def __init__(
        self, kind: type[RecordT], rows: Sequence[RecordT], notes: Sequence[str] = ()
    ) -> None:
        self.kind = kind
        self.rows = tuple(rows)
        self.notes = tuple(notes)

    @property
    def columns(self) -> list[str]:
        """The names of the columns; a pair such as interval_fixed has two."""
        return self.kind.column_names()

    def to_dicts(self) -> list[dict[str, Any]]:
        """The rows as JSON values, as the server sent them."""
        return [row.to_dict() for row in self.rows]

    def to_pandas(self) -> "pd.DataFrame":
        """The table as a pandas data frame. Raises MissingPackage without pandas."""
        try:
            import pandas as pd  # noqa: PLC0415 - not a dependency
        except ModuleNotFoundError as error:
            raise MissingPackage("to_pandas()", "pandas") from error
        return pd.DataFrame(self._by_column(), columns=pd.Index(self.columns))

    def to_polars(self) -> "pl.DataFrame":
        """The table as a polars data frame. Raises MissingPackage without polars."""
        try:
            import polars as pl  # noqa: PLC0415 - not a dependency
        except ModuleNotFoundError as error:
            raise MissingPackage("to_polars()", "polars") from error
        return pl.DataFrame(self._by_column(), infer_schema_length=None)

    def _by_column(self) -> dict[str, list[Any]]:
        cells = [row.cells() for row in self.rows]
        return {name: [row[name] for row in cells] for name in self.columns}

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[RecordT]:
        return iter(self.rows)

    @overload
    def __getitem__(self, index: int) -> RecordT: ...
    @overload
    def __getitem__(self, index: slice) -> "Table[RecordT]": ...
    def __getitem__(self, index: int | slice) -> "RecordT | Table[RecordT]":
        if isinstance(index, slice):
            return Table(self.kind, self.rows[index], self.notes)
        return self.rows[index]

    def __repr__(self) -> str:
        lines = [f"{len(self)} rows of {self.kind.__name__}"]
        lines += [f"  {row!r}" for row in self.rows[:SHOWN_ROWS]]
        if len(self) > SHOWN_ROWS:
            lines.append(f"  ... and {len(self) - SHOWN_ROWS} more")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        body = "".join(_html_row(row) for row in self.rows[:SHOWN_ROWS])
        more = len(self) - SHOWN_ROWS
        rest = f"<p>... and {more} more rows; to_pandas() has them all</p>" if more > 0 else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"


def _html_row(row: Record) -> str:
    cells = "".join(f"<td>{escape(_shown(value))}</td>" for value in row.cells().values())
    return f"<tr>{cells}</tr>"


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


class ComparisonTable(Table[ComparisonRow]):
    """What `Client.compare` returns: a row per candidate, benchmark and k.

    `crossings`: where two curves cross. `curves`: the verdict over all k of each curve together.
    `methods`: methods that have several training runs each.
    `notes`: which candidates were left out, and why.
    """

    def __init__(
        self,
        rows: Sequence[ComparisonRow],
        notes: Sequence[str],
        crossings: Sequence[CurveCrossing],
        curves: Sequence[CurveVerdict],
        methods: Sequence[MethodDifference],
    ) -> None:
        super().__init__(ComparisonRow, rows, notes)
        self.crossings = Table(CurveCrossing, crossings)
        self.curves = Table(CurveVerdict, curves)
        self.methods = Table(MethodDifference, methods)


class Samples(Iterator[SampleRow]):
    """The samples of an evaluation, fetched page by page while you iterate.

    Iterate over it for single samples, or over `pages()` for tables. `to_pandas()` and
    `to_polars()` fetch what is left.
    """

    def __init__(self, pages: Iterator[Table[SampleRow]]) -> None:
        self._pages = pages
        self._rows: Iterator[SampleRow] = iter(())

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> SampleRow:
        while (row := next(self._rows, None)) is None:
            self._rows = iter(next(self._pages))
        return row

    def pages(self) -> Iterator[Table[SampleRow]]:
        """The samples as tables, one for each request."""
        return self._pages

    def to_pandas(self) -> "pd.DataFrame":
        """What is left as a pandas data frame. Raises MissingPackage without pandas."""
        return Table(SampleRow, list(self)).to_pandas()

    def to_polars(self) -> "pl.DataFrame":
        """What is left as a polars data frame. Raises MissingPackage without polars."""
        return Table(SampleRow, list(self)).to_polars()


class AsyncSamples(AsyncIterator[SampleRow]):
    """As `Samples`, for `async for`; `await` its `to_pandas()` and `to_polars()`."""

    def __init__(self, pages: AsyncIterator[Table[SampleRow]]) -> None:
        self._pages = pages
        self._rows: Iterator[SampleRow] = iter(())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SampleRow:
        while (row := next(self._rows, None)) is None:
            self._rows = iter(await anext(self._pages))
        return row

    def pages(self) -> AsyncIterator[Table[SampleRow]]:
        """The samples as tables, one for each request."""
        return self._pages

    async def to_pandas(self) -> "pd.DataFrame":
        """What is left as a pandas data frame. Raises MissingPackage without pandas."""
        return Table(SampleRow, [row async for row in self]).to_pandas()

    async def to_polars(self) -> "pl.DataFrame":
        """What is left as a polars data frame. Raises MissingPackage without polars."""
        return Table(SampleRow, [row async for row in self]).to_polars()
