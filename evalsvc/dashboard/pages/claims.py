"""`/claims`: whether a method or a checkpoint is better over several benchmarks together."""

from collections.abc import Sequence
from dataclasses import dataclass

from evalsvc.dashboard.rendering.page import Page, PageTable
from evalsvc.dashboard.web.page_request import PageRequest
from evalsvc.errors import EvalsvcError
from evalsvc.methods import method_order
from evalsvc.services.compare.claims import (
    ALPHA,
    BenchmarkClaim,
    ClaimQuestion,
    ClaimView,
    Test,
    claim,
    parse_names,
    parse_weights,
)
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories import evaluations
from evalsvc.store.repositories.evaluations import EvaluationFilter

TESTS: tuple[tuple[Test, str], ...] = (
    ("permutation", "permutation of labels"),
    ("welch", "Welch's t (normal scores)"),
)
COLUMNS = (
    "benchmark",
    "weight",
    "baseline",
    "candidate",
    "difference",
    "p_adjusted",
    "outcome",
    "problems",
)


@dataclass(frozen=True)
class ClaimsModel:
    """The answer, or in `problem` why there is no answer and in `remedy` what to do."""

    claim: ClaimView | None
    problem: str
    remedy: str


def build(request: PageRequest) -> Page:
    """Compare methods by default; with `by=checkpoints` or a `baseline`, compare RUN@STEPs."""
    rows = [r for r in evaluations.matching(request.session, EvaluationFilter()) if r.samples_seen]
    by_default = "checkpoints" if request.text("baseline") else "methods"
    by = request.choice("by", ("methods", "checkpoints"), by_default)
    names = (
        ("baseline_method", "candidate_method") if by == "methods" else ("baseline", "candidate")
    )
    sides = (request.text(names[0]), request.text(names[1]))
    model = _model(request, sides, by) if all(sides) else ClaimsModel(None, "", "")
    found = model.claim.benchmarks if model.claim else []
    return Page(
        template="claims.html",
        title="Claims",
        model=model,
        table=_table(found),
        extras={
            "by": by,
            "names": names,
            "sides": sides,
            "choices": _methods(rows) if by == "methods" else _checkpoints(rows),
            "tests": TESTS,
            "test": request.choice("test", dict(TESTS), TESTS[0][0]),
            "k": request.number("k", 1, 1, 16_384),
            "base_models": [
                (name, name)
                for name in sorted({r.checkpoint.run.base_model or "" for r in rows} - {""})
            ],
            "reach": _reach(model.claim),
        },
    )


def _model(request: PageRequest, sides: tuple[str, str], by: str) -> ClaimsModel:
    tests: dict[str, Test] = {name: name for name, _ in TESTS}
    methods = by == "methods"
    try:
        question = ClaimQuestion(
            baseline=sides[0],
            candidate=sides[1],
            methods=methods,
            benchmarks=parse_names(request.text("benchmarks")),
            k=request.number("k", 1, 1, 16_384),
            weights=parse_weights(request.text("weights")),
            alpha=request.fraction("alpha", ALPHA, 0.0001, 0.4999),
            test=tests[request.choice("test", tests, "permutation")],
            step=request.number("step", 0, 0) if methods and request.text("step") else None,
            base_model=(request.text("base_model") or None) if methods else None,
        )
        return ClaimsModel(claim(request.session, request.state.memo, question), "", "")
    except EvalsvcError as error:
        return ClaimsModel(None, error.message, error.remedy)


def _methods(rows: Sequence[Evaluation]) -> list[tuple[str, str]]:
    """(method, label with the number of its runs), in the paper's order."""
    runs: dict[str, set[int]] = {}
    for row in rows:
        runs.setdefault(row.checkpoint.run.method, set()).add(row.checkpoint.run_id)
    return [
        (method, f"{method} ({len(runs[method])} run{'' if len(runs[method]) == 1 else 's'})")
        for method in sorted(runs, key=lambda name: (method_order(name), name))
    ]


def _checkpoints(rows: Sequence[Evaluation]) -> list[tuple[str, str]]:
    found = {
        (row.checkpoint.run.method, f"{row.checkpoint.run.name}@{row.checkpoint.step}")
        for row in rows
    }
    ordered = sorted(found, key=lambda item: (method_order(item[0]), item))
    return [(name, f"{method}: {name}") for method, name in ordered]


def _reach(found: ClaimView | None) -> float:
    """Half the width of an axis around zero that holds the interval."""
    return max(0.01, *map(abs, found.interval)) if found else 1.0


def _table(found: Sequence[BenchmarkClaim]) -> PageTable:
    return PageTable(COLUMNS, [[getattr(own, name) for name in COLUMNS] for own in found])
