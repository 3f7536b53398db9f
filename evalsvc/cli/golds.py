"""Check the golds of a benchmark: the kind of each, and whether it accepts itself.

This is above catalogue and verification, which do not know each other.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalsvc.catalogue import Benchmark, Catalogue, Finding, Problem


@dataclass
class GoldReport:
    """Kinds of the golds (part -> kind -> count), and the findings on folder, data and golds."""

    kinds: dict[str, dict[str, int]] = field(default_factory=dict)
    findings: "list[Finding]" = field(default_factory=list)


def check_golds(catalogue: "Catalogue", benchmark: "Benchmark", data: Path) -> GoldReport:
    """Determine the kind of every gold, and let the verifier judge it as its own answer."""
    from evalsvc.catalogue import CatalogueError, Finding  # noqa: PLC0415 - an extra

    report = GoldReport(findings=_unknown_kinds(catalogue, benchmark))
    if report.findings:
        return report
    for part, described in benchmark.parts.items():
        if described.where:
            continue  # its rows belong to a set that is checked anyway
        try:
            dataset = catalogue.load(benchmark.name, data, part=part)
        except CatalogueError:
            continue  # no data here: the check of the folder reports that
        kinds: Counter[str] = Counter()
        for problem in dataset:
            kind, mistake = _judge(problem)
            kinds[kind] += 1
            if mistake:
                where = f"{dataset.benchmark.full_name} {problem.id}"
                report.findings.append(Finding("error", where, mistake))
        report.kinds[part] = dict(kinds.most_common())
    return report


def _unknown_kinds(catalogue: "Catalogue", benchmark: "Benchmark") -> "list[Finding]":
    """Overrides whose kind the verifier does not know; this needs no data."""
    from evalsvc.catalogue import Finding  # noqa: PLC0415 - an extra
    from evalsvc.verification import VerificationError  # noqa: PLC0415 - an extra
    from evalsvc.verification.kinds import read_kind  # noqa: PLC0415 - an extra

    found = []
    for key, override in catalogue.overrides(benchmark.name).items():
        try:
            read_kind(override.kind or "number")
        except VerificationError as error:
            found.append(Finding("error", "golds.yaml", f"{key!r}: {error}"))
    return found


def _judge(problem: "Problem") -> tuple[str, str]:
    """The kind of a gold, and what is wrong with it ("" for nothing)."""
    from evalsvc.verification import (  # noqa: PLC0415 - an extra
        VerificationError,
        type_gold,
        verify,
    )

    try:
        typed = type_gold(problem.gold, kind=problem.kind, choices=problem.choices)
        answer = f"\\boxed{{{problem.gold}}}"
        verdict = verify(answer, problem.gold, kind=problem.kind, choices=problem.choices)
    except VerificationError as error:
        return "untyped", f"the gold {problem.gold!r} cannot be typed: {error}"
    if verdict.correct:
        return typed.kind.value, ""
    return typed.kind.value, f"the gold {problem.gold!r} does not accept itself ({verdict.rule})"
