"""Matching each problem of an import to a row of the benchmark.

By the question's text where the source has it; by an id that both know; by the row's number only
where the source's golds equal those of the rows. Anything undecided is refused: a log in another
order would otherwise give a wrong figure without a warning.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from evalsvc.errors import UsageError
from evalsvc.services.importing.questions import Asked, QuestionIndex

if TYPE_CHECKING:
    from evalsvc.catalogue import Dataset

SHOWN = 5
PROOF = 0.25  # share of the problems that must be at their place to prove a log's order
ProblemIds = Literal["row", "id"]
Rows = dict[str, int]
#: (row, gold of the source) -> whether it equals the row's gold, for many pairs at once.
SameGolds = Callable[[Sequence[tuple[int, str]]], Sequence[bool]]


@dataclass(frozen=True)
class SourceProblem:
    """A problem as the source describes it; None where it gives nothing."""

    problem_id: str
    question: str | None = None
    gold: str | None = None


@dataclass(frozen=True)
class Matching:
    """The row of each problem, by the source's id, and notes for the reader."""

    rows: Rows
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Numbering:
    """Facts about the source's ids: whether it is a log that numbers rows of its own data,
    and what the user declared.
    """

    by_row: bool = False
    said: ProblemIds | None = None


def match_problems(
    problems: Sequence[SourceProblem],
    dataset: "Dataset",
    benchmark: str,
    numbering: Numbering,
    same_golds: SameGolds,
) -> Matching:
    """Raise UsageError with the number of problems that do not match, and the first of them."""
    matcher = _Matcher(problems, dataset, benchmark, numbering, same_golds)
    matching = matcher.by_question() if matcher.asked else None
    matching = matching or matcher.by_id()
    _one_problem_per_row(matching.rows, benchmark)
    missing = len(dataset) - len(matching.rows)
    if not missing:
        return matching
    words = f"The import has {len(matching.rows):,} of the {len(dataset):,} problems of {benchmark}"
    return Matching(matching.rows, (*matching.notes, f"{words}: its figures are over these only."))


class _Matcher:
    def __init__(
        self,
        problems: Sequence[SourceProblem],
        dataset: "Dataset",
        benchmark: str,
        numbering: Numbering,
        same_golds: SameGolds,
    ) -> None:
        self._problems = problems
        self._dataset = dataset
        self._benchmark = benchmark
        self._numbering = numbering
        self._same_golds = same_golds
        self._ids = [problem.problem_id for problem in problems]
        self.asked = self._find_questions()

    def by_question(self) -> Matching:
        """By the text; if it matches several rows or none, by gold and proved row numbers."""
        numbers = self._row_numbers()
        unique = {name: found.rows[0] for name, found in self.asked.items() if len(found.rows) == 1}
        in_order = bool(numbers) and all(
            numbers[name] in found.rows for name, found in self.asked.items()
        )
        proved = in_order and len(unique) >= PROOF * len(self._problems)
        own = {n: row for n, row in self._own_ids().items() if not n.isdecimal()}
        rows, open_ = dict(unique), []
        for problem in self._problems:
            name = problem.problem_id
            if name in unique:
                continue
            found = self.asked.get(name)
            if name in own and (found is None or own[name] in found.rows):
                rows[name] = own[name]
            elif proved and (found is None or numbers[name] in found.rows):
                rows[name] = numbers[name]
            elif (row := self._only_with_gold(problem, found)) is not None:
                rows[name] = row
            else:
                open_.append(name)
        if open_:
            raise UsageError(
                f"{len(open_):,} of {len(self._problems):,} problems cannot be told by their "
                f"question: it is not in {self._benchmark!r}, or fits several rows: "
                f"{some(open_)}.",
                "Is the file of this benchmark only? Else give the benchmark's own ids, in the "
                "JSONL format.",
            )
        doubtful = {n for n in rows if n not in unique or not self.asked[n].certain}
        differ = self._differing(rows)
        if refused := [name for name in differ if name in doubtful]:
            self._refuse_golds(refused, len(doubtful), rows)
        notes = [] if in_order else ["The problems were matched by their questions' text."]
        if differ:
            notes.append(
                f"The source's gold differs from the benchmark's on {len(differ):,} problems that "
                f"have the same question: {some(differ)}. They were judged by the benchmark's."
            )
        return Matching(rows, tuple(notes))

    def by_id(self) -> Matching:
        """By the benchmark's ids or by row numbers, whichever it is; golds are compared."""
        own, numbers = self._own_ids(), self._row_numbers()
        said = self._numbering.said
        if said == "id" or (said is None and own and not numbers):
            return self._by_own_ids(own)
        if said == "row" or self._numbering.by_row or not own:
            return self._by_numbers(numbers)
        if own == numbers:
            return self._by_numbers(numbers, are_ids=True)
        return self._by_the_golds(own, numbers)

    def _find_questions(self) -> Mapping[str, Asked]:
        if not any(problem.question for problem in self._problems):
            return {}
        index = QuestionIndex([problem.question for problem in self._dataset.problems])
        found = {p.problem_id: index.asked(p.question) for p in self._problems if p.question}
        return {name: asked for name, asked in found.items() if asked.rows}

    def _by_own_ids(self, rows: Rows) -> Matching:
        if not rows:
            self._refuse_unknown()
        self._refuse_bare_numbers()
        differ = self._differing(rows)
        if any(name.isdecimal() for name in differ):
            self._refuse_golds(differ, len(rows), rows)
        note = f"The source's gold differs on {len(differ):,} problems: {some(differ)}."
        return Matching(rows, (note,) if differ else ())

    def _by_numbers(self, rows: Rows, *, are_ids: bool = False) -> Matching:
        if not rows:
            self._refuse_unknown()
        if differ := self._differing(rows):
            self._refuse_golds(differ, len(rows), rows)
        self._refuse_bare_numbers()
        return Matching(rows, () if are_ids else ("The problem ids were taken as row indices.",))

    def _by_the_golds(self, own: Rows, numbers: Rows) -> Matching:
        """Whole numbers that are ids of some rows and positions of others."""
        told = all(problem.gold is not None for problem in self._problems)
        fits = [rows for rows in (own, numbers) if told and not self._differing(rows)]
        if len(fits) == 1:
            is_own = fits[0] is own
            taken = "the benchmark's ids" if is_own else "row indices"
            return Matching(fits[0], (f"The problem ids were taken as {taken}: the golds agree.",))
        doubtful = [name for name in self._ids if own[name] != numbers[name]]
        first = doubtful[0]
        raise UsageError(
            f"{len(doubtful):,} problem ids are an id of one row of {self._benchmark!r} and the "
            f"index of another: {some(doubtful)}. {first!r} is the id of row {own[first]}, and row "
            f"{numbers[first]} has the id {self._dataset.problems[numbers[first]].id!r}.",
            "Say which is meant: --problem-ids id or --problem-ids row (problem_ids).",
        )

    def _only_with_gold(self, problem: SourceProblem, found: Asked | None) -> int | None:
        """The row with this question that has the source's gold."""
        if found is None or problem.gold is None:
            return None
        pairs = [(row, problem.gold) for row in found.rows]
        fits = [row for row, same in zip(found.rows, self._same_golds(pairs), strict=True) if same]
        return fits[0] if len(fits) == 1 else None

    def _differing(self, rows: Mapping[str, int]) -> list[str]:
        """The problems whose gold in the source differs from that of their row."""
        named = [(p.problem_id, p.gold) for p in self._problems if p.gold is not None]
        same = self._same_golds([(rows[name], gold) for name, gold in named])
        return [name for (name, _), agrees in zip(named, same, strict=True) if not agrees]

    def _own_ids(self) -> Rows:
        """Rows by the benchmark's ids; empty if one is unknown."""
        known = self._dataset.by_id
        if any(name not in known for name in self._ids):
            return {}
        return {name: known[name].index for name in self._ids}

    def _row_numbers(self) -> Rows:
        """Rows by number; empty if one is not a row's number."""
        size = len(self._dataset)
        if any(not _is_number(name) or int(name) >= size for name in self._ids):
            return {}
        return {name: int(name) for name in self._ids}

    def _refuse_bare_numbers(self) -> None:
        """Refuse a log's own numbers if the log has neither questions nor golds."""
        bare = [p.problem_id for p in self._problems if p.gold is None and p.problem_id.isdecimal()]
        if bare and self._numbering.by_row and self._numbering.said is None:
            raise UsageError(
                f"{len(bare):,} problems have neither a question that is in {self._benchmark!r} "
                f"nor a gold: {some(bare)}. Their numbers alone do not say which problems they "
                "are.",
                "If the log has the rows of the benchmark in their order, say so: "
                "--problem-ids row (problem_ids=row).",
            )

    def _refuse_unknown(self) -> None:
        known = self._dataset.by_id
        unknown = [name for name in self._ids if name not in known]
        raise UsageError(
            f"{len(unknown):,} problems are not in the benchmark {self._benchmark!r}: "
            f"{some(unknown) or some(self._ids)}.",
            "Use the benchmark's ids or row indices, or import under another benchmark's name.",
        )

    def _refuse_golds(self, differ: Sequence[str], of: int, rows: Mapping[str, int]) -> None:
        golds = {problem.problem_id: problem.gold for problem in self._problems}
        first = differ[0]
        raise UsageError(
            f"The golds of {len(differ):,} of {of:,} problems are not those of the rows of "
            f"{self._benchmark!r}: {some(differ)}. The first has {golds[first]!r:.60} in the log, "
            f"{self._dataset.problems[rows[first]].gold!r:.60} in the benchmark.",
            "The log's rows stand in another order, or are of other data. Give the questions or "
            "the benchmark's own ids (the JSONL format takes both).",
        )


def some(names: Iterable[str]) -> str:
    """The first few of them."""
    shown = list(names)
    more = f" and {len(shown) - SHOWN:,} more" if len(shown) > SHOWN else ""
    return ", ".join(name[:60] for name in shown[:SHOWN]) + more


def _one_problem_per_row(rows: Mapping[str, int], benchmark: str) -> None:
    first: dict[int, str] = {}
    for name, row in rows.items():
        other = first.setdefault(row, name)
        if other != name:
            raise UsageError(
                f"The problems {other[:60]!r} and {name[:60]!r} are both row {row} of "
                f"{benchmark!r}.",
                "Were two files joined? Import each on its own.",
            )


def _is_number(name: str) -> bool:
    """A whole number in the service's notation: 5, not 05."""
    return name.isdecimal() and name.isascii() and (name == "0" or name[0] != "0")
