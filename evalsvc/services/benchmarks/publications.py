"""Published figures of a benchmark, and where they differ from an evaluation of ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from evalsvc.catalogue import CatalogueError
from evalsvc.services.memo import Memo
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories.counts import Counts

if TYPE_CHECKING:
    from evalsvc.catalogue import Benchmark, Catalogue
    from evalsvc.statistics import Comparability, PublishedRow

FILE = "published.csv"
GRADER = "evalsvc"
OTHER_QUESTION = {"model", "part", "problems"}  # where one differs, noise cannot explain the gap


@dataclass(frozen=True)
class ReproductionView:
    """Whether the printed figure lies in `allowed`, where a rerun of ours would fall (fractions).

    modelled: k is above half of our n, so that the noise comes from a model of the problems.
    """

    ours: float
    allowed: tuple[float, float]
    inside: bool
    modelled: bool
    level: float
    sentence: str


@dataclass(frozen=True)
class PublishedView:
    """One printed figure (fractions), with the points on which it differs from ours or is silent.

    `verdict`: comparable, differs, unclear; empty where there is nothing of ours to judge by.
    `reproduction`: whether the figure lies where a rerun of ours could fall; null where ours is
    another method, model or set of problems, or has fewer than k samples of a problem.
    """

    paper: str
    table: str
    model: str
    method: str
    benchmark: str
    part: str | None
    metric: str
    k: int
    value: float
    plus_minus: float | None
    verdict: str
    differs: list[str]
    not_stated: list[str]
    sentence: str
    reproduction: ReproductionView | None


def published(
    memo: Memo,
    catalogue: "Catalogue",
    name: str,
    ours: Evaluation | None = None,
    counts: Counts | None = None,
) -> list[PublishedView]:
    """The rows for NAME or NAME:PART, judged against `ours`. Empty for an unknown benchmark.

    counts: those of `ours`, to check whether a figure is reproduced.
    """
    try:
        benchmark = catalogue.get(name)
    except CatalogueError:
        return []
    part = benchmark.part or benchmark.default_part
    views = []
    for row in read_rows(memo, benchmark):
        if row.part is not None and benchmark.part and row.part != part:
            continue
        judged = None if ours is None else judge(row, benchmark, ours)
        found = None
        if ours is not None and judged is not None and counts is not None:
            found = memo.get(
                ("reproduction", ours.id, ours.version, row),
                partial(_reproduction, row, judged, ours, counts),
            )
        views.append(_view(row, name, judged, found))
    return views


def _reproduction(
    row: "PublishedRow", judged: "Comparability", ours: Evaluation, counts: Counts
) -> ReproductionView | None:
    from evalsvc.statistics import reproduction_check  # noqa: PLC0415 - a second to import

    differing = {reason.point for reason in judged.reasons if reason.kind == "differs"}
    method = ours.checkpoint.run.method
    if differing & OTHER_QUESTION or row.method.casefold() != method.casefold():
        return None
    if row.metric != "pass@k" or not counts.n.size or row.k > counts.n.min():
        return None
    found = reproduction_check(row, counts.n, counts.c)
    return ReproductionView(
        ours=found.ours,
        allowed=found.allowed,
        inside=found.inside,
        modelled=found.modelled,
        level=found.level,
        sentence=found.sentence,
    )


def read_rows(memo: Memo, benchmark: "Benchmark") -> Sequence["PublishedRow"]:
    """The lines of the benchmark's published.csv; a changed file is read again."""
    from evalsvc.statistics import parse_published  # noqa: PLC0415 - a second to import

    path = benchmark.folder / FILE
    if not path.is_file():
        return ()
    key = ("published", str(path), path.stat().st_mtime_ns)
    return memo.get(
        key, lambda: parse_published(path.read_text(encoding="utf-8"), f"{benchmark.name}/{FILE}")
    )


def judge(row: "PublishedRow", benchmark: "Benchmark", ours: Evaluation) -> "Comparability":
    """Whether a printed row answers the same question as an evaluation of ours."""
    from evalsvc.statistics import OwnProtocol, comparability  # noqa: PLC0415

    protocol = ours.protocol
    try:
        prompt = benchmark.prompt_name(
            str(protocol.get("prompt", "default")), str(protocol.get("name", ""))
        )
    except CatalogueError:  # a prompt that was since removed from the folder
        prompt = str(protocol.get("prompt"))
    own = OwnProtocol(
        part=benchmark.part or benchmark.default_part,
        model=(ours.checkpoint.run.base_model or "not known").rpartition("/")[2],
        problems=ours.problems_seen,
        temperature=float(protocol.get("temperature", 0.0)),
        top_p=float(protocol.get("top_p", 1.0)),
        max_tokens=int(protocol.get("max_tokens", 0)),
        samples=ours.samples_wanted,
        prompt=prompt,
        grader=f"{GRADER} {ours.verifier or ''}".strip(),
    )
    return comparability(row, own)


def _view(
    row: "PublishedRow",
    name: str,
    judged: "Comparability | None",
    reproduction: ReproductionView | None,
) -> PublishedView:
    reasons = judged.reasons if judged else ()
    spread = row.plus_minus_percent
    return PublishedView(
        paper=row.paper,
        table=row.source_table,
        model=row.model,
        method=row.method,
        benchmark=name,
        part=row.part,
        metric=row.metric,
        k=row.k,
        value=row.value_percent / 100,
        plus_minus=None if spread is None else spread / 100,
        verdict=judged.verdict if judged else "",
        differs=[reason.point for reason in reasons if reason.kind == "differs"],
        not_stated=[reason.point for reason in reasons if reason.kind == "not stated"],
        sentence=judged.sentence if judged else "",
        reproduction=reproduction,
    )


@dataclass(frozen=True)
class OddityView:
    """Something odd about printed numbers: the rule that found it, in words, and where."""

    rule: str
    message: str
    tables: list[str]


def oddities(memo: Memo, catalogue: "Catalogue", name: str) -> list[OddityView]:
    """Oddities in the printed rows of a benchmark, found by rules and not from a list."""
    from evalsvc.statistics import find_oddities  # noqa: PLC0415

    rows = tuple(read_rows(memo, catalogue.get(name)))
    found = memo.get(("oddities", rows), lambda: find_oddities(rows))
    return [
        OddityView(
            rule=oddity.rule,
            message=oddity.message,
            tables=sorted({row.source_table for row in oddity.rows}),
        )
        for oddity in found
    ]
