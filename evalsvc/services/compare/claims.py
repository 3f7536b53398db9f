"""Claims over several benchmarks: two methods by all their runs, or two checkpoints.

With one run on each side the problems of all benchmarks are tested together, and the claim compares
two checkpoints. With more, a run over all benchmarks is the unit, compared within its base model.
Each run enters with one checkpoint, its newest evaluated step. A run that is incomplete or was
evaluated differently from the others is refused and never left out: that would bias the result.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from evalsvc.errors import NotFound, UsageError
from evalsvc.services.compare.pairings import name_of, unlikeness
from evalsvc.services.evaluations.figures import cluster_labels
from evalsvc.services.evaluations.views import counts_of, summarise, traits_of
from evalsvc.services.memo import Memo
from evalsvc.store.database import Session
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories import evaluations, runs
from evalsvc.store.repositories.evaluations import EvaluationFilter

if TYPE_CHECKING:
    from evalsvc.statistics import BenchmarkCounts, RunScores

Pair = tuple[float, float]
Test = Literal["permutation", "welch"]
Outcome = Literal["better", "worse", "unresolved"]
ALPHA = 0.05


@dataclass(frozen=True)
class ClaimQuestion:
    """What is claimed. `methods`: the sides are methods, else RUN[@STEP]s.

    benchmarks: none means those that all runs have. weights: by benchmark, none means equal ones.
    test: for several runs. step, base_model: only checkpoints of it, for methods.
    """

    baseline: str
    candidate: str
    methods: bool
    benchmarks: tuple[str, ...] = ()
    k: int = 1
    weights: tuple[tuple[str, float], ...] = ()
    alpha: float = ALPHA
    test: Test = "permutation"
    step: int | None = None
    base_model: str | None = None


@dataclass(frozen=True)
class BenchmarkClaim:
    """One benchmark: pass@k of both sides (means of runs), and p after Holm's correction."""

    benchmark: str
    weight: float
    baseline: float
    candidate: float
    difference: float
    p_adjusted: float
    outcome: Outcome
    problems: int


@dataclass(frozen=True)
class ClaimRun:
    """A run and its figures by benchmark. `counted`: it is a unit; else `reason` says why not."""

    side: Literal["baseline", "candidate"]
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


@dataclass(frozen=True)
class ClaimView:
    """Candidate minus baseline over the benchmarks, weighted, in fractions of 1, two-sided.

    unit: what a difference is an example of: checkpoints, or runs of the methods. outcome: of the
    estimate. every_p_value: by intersection-union, that it holds on every benchmark; 1 where their
    signs differ. smallest_p: the smallest p that a permutation of so few runs can reach.
    """

    baseline: str
    candidate: str
    unit: Literal["checkpoint", "run"]
    baseline_runs: int
    candidate_runs: int
    k: int
    alpha: float
    test: str
    estimate: float
    interval: Pair
    p_value: float
    smallest_p: float | None
    outcome: Outcome
    every_p_value: float
    every: bool
    benchmarks: list[BenchmarkClaim]
    base_models: dict[str, float]
    runs: list[ClaimRun]
    sentence: str
    notes: list[str]


@dataclass(frozen=True)
class _Unit:
    """One run at one step: its evaluations by benchmark, and why it is not counted, if so."""

    rows: tuple[Evaluation, ...]
    chosen: Mapping[str, Evaluation]
    reason: str = ""

    @property
    def any_row(self) -> Evaluation:
        return self.rows[0]

    @property
    def name(self) -> str:
        return name_of(self.any_row)


def claim(session: Session, memo: Memo, question: ClaimQuestion) -> ClaimView:
    """Whether the candidate is better, on average, on every benchmark, and on which.

    Raises NotFound (no such run, method or benchmark), UsageError (incomplete or unlike
    evaluations) and StatisticsError (too few runs, bad weights, a base model on one side only).
    """
    if question.baseline == question.candidate:
        raise UsageError(f"Both sides are {question.baseline!r}.", "Name what it is compared with.")
    notes: list[str] = []
    sides = [
        _side(session, label, question, notes) for label in (question.baseline, question.candidate)
    ]
    names = _benchmarks(sides, question.benchmarks, notes)
    settings = {name: _alike(name, [unit for side in sides for unit in side]) for name in names}
    sides = [[replace(u, chosen=_chosen(u, settings)) for u in side] for side in sides]
    every = [unit for side in sides for unit in side]
    for name in names:
        _check(session, memo, name, [unit.chosen[name] for unit in every])
    sides = [_once(side) for side in sides]
    notes += _assumptions(sides, question)
    key: Hashable = (
        "claim",
        question,
        tuple(tuple(map(_identity, side)) for side in sides),
    )
    made = memo.get(key, lambda: _answer(session, memo, question, sides, names))
    return replace(made, notes=notes)


def _identity(unit: _Unit) -> Hashable:
    """What the answer depends on: the results, and the facts about the run."""
    run = unit.any_row.checkpoint.run
    results = tuple((row.id, row.version) for row in unit.chosen.values())
    return results, run.name, run.method, run.base_model, run.train_seed, unit.reason


def _side(session: Session, label: str, question: ClaimQuestion, notes: list[str]) -> list[_Unit]:
    """The runs of a method, or the one run; each at its newest step with results."""
    wanted = EvaluationFilter(method=label, step=question.step)
    if not question.methods:
        run, step = runs.parse_side(session, label)
        wanted = EvaluationFilter(run=run, step=step)
    by_run: dict[int, list[Evaluation]] = {}
    for row in evaluations.matching(session, wanted):
        same_model = question.base_model in (None, row.checkpoint.run.base_model)
        if row.samples_seen and (same_model or not question.methods):
            by_run.setdefault(row.checkpoint.run_id, []).append(row)
    if not by_run:
        raise NotFound(
            f"{label} has no results"
            + (" at this step or base model." if question.methods else "."),
            "`evalsvc results` lists what is there; a method is written as the runs have it.",
        )
    units = [_at_newest_step(rows, question.benchmarks) for _, rows in sorted(by_run.items())]
    if question.benchmarks and (
        without := [u.name for u in units if not _names(u) & set(question.benchmarks)]
    ):
        units = [u for u in units if u.name not in without]
        words = f"{', '.join(without)} has no results on {', '.join(question.benchmarks)}"
        if not units:
            raise NotFound(f"{words}.", "`evalsvc results` lists what is there.")
        notes.append(f"{words} and is left out.")
    return units


def _at_newest_step(rows: Sequence[Evaluation], benchmarks: Sequence[str]) -> _Unit:
    """The checkpoint of the newest step that has results on one of the benchmarks."""
    useful = [r for r in rows if not benchmarks or r.benchmark in benchmarks] or list(rows)
    newest = max((r.checkpoint.step, r.checkpoint_id) for r in useful)
    own = (r for r in rows if (r.checkpoint.step, r.checkpoint_id) == newest)
    return _Unit(tuple(own), {})


def _names(unit: _Unit) -> set[str]:
    return {row.benchmark for row in unit.rows}


def _benchmarks(
    sides: Sequence[Sequence[_Unit]], asked: Sequence[str], notes: list[str]
) -> list[str]:
    """The requested benchmarks, which every run must have; else those that all runs have."""
    units = [unit for side in sides for unit in side]
    if asked:
        for name in asked:
            without = [unit.name for unit in units if name not in _names(unit)]
            if without:
                raise NotFound(
                    f"{', '.join(without)} has no results on {name!r}.",
                    "Evaluate it, leave the benchmark out, or name a step that all runs have.",
                )
        return list(dict.fromkeys(asked))
    common = set.intersection(*(_names(unit) for unit in units))
    if not common:
        raise NotFound(
            "The runs have no benchmark in common at their newest steps.",
            "Name benchmarks, or a step that all runs have.",
        )
    if missing := sorted(set.union(*(_names(unit) for unit in units)) - common):
        notes.append(f"Not every run has results on {', '.join(missing)}: left out.")
    return sorted(common)


def _alike(name: str, units: Sequence[_Unit]) -> tuple[int, str]:
    """(revision, protocol) under which every run was evaluated on a benchmark."""
    found = [
        {(row.revision_id, row.protocol_hash): row for row in unit.rows if row.benchmark == name}
        for unit in units
    ]
    common = set.intersection(*(set(own) for own in found))
    if not common:
        first = next(iter(found[0].values()))
        words = [
            f"{name_of(other)} and {name_of(first)}: {'; '.join(differs)}"
            for own in found
            if (other := next(iter(own.values()))) and (differs := unlikeness(first, other))
        ]
        raise UsageError(
            f"The runs were not evaluated alike on {name}: {'. '.join(words[:3])}.",
            "Evaluate all of them on the same rows with one protocol, or leave the benchmark out.",
        )
    return max(
        common, key=lambda setting: (min(own[setting].samples_seen for own in found), setting)
    )


def _chosen(unit: _Unit, settings: Mapping[str, tuple[int, str]]) -> dict[str, Evaluation]:
    """The unit's evaluation on each benchmark under its setting."""
    return {
        name: next(
            row
            for row in unit.rows
            if row.benchmark == name and (row.revision_id, row.protocol_hash) == setting
        )
        for name, setting in settings.items()
    }


def _check(session: Session, memo: Memo, name: str, rows: Sequence[Evaluation]) -> None:
    """Refuse incomplete evaluations, other verifiers and other problems."""
    for row in rows:
        summary = summarise(row)
        if not summary.complete:
            raise UsageError(
                f"{name_of(row)} is incomplete on {name}: {summary.coverage:.1%} of its samples "
                "are here.",
                "Let it end, leave the benchmark out, or name a step that all runs have.",
            )
    for row in rows[1:]:
        if differs := unlikeness(rows[0], row):
            raise UsageError(
                f"{name_of(rows[0])} and {name_of(row)} are unlike on {name}: "
                f"{'; '.join(differs)}.",
                "`evalsvc rescore` judges stored responses with the present verifier.",
            )
        first, other = (counts_of(session, memo, one).problems for one in (rows[0], row))
        if not np.array_equal(first, other):
            raise UsageError(
                f"{name_of(rows[0])} and {name_of(row)} were evaluated on different problems of "
                f"{name}.",
                "Evaluate both on the same problems, or leave the benchmark out.",
            )


def _once(side: Sequence[_Unit]) -> list[_Unit]:
    """Mark runs that repeat another one: same train seed and base model, or same weights."""
    seen: dict[Hashable, str] = {}
    marked = []
    for unit in side:
        run, fingerprint = unit.any_row.checkpoint.run, unit.any_row.checkpoint.fingerprint
        seed = (run.base_model, run.train_seed)
        reason = ""
        if run.train_seed is not None and seed in seen:
            reason = f"it has the train seed {run.train_seed}, as {seen[seed]} has"
        elif fingerprint and fingerprint in seen:
            reason = f"it has the same weights as {seen[fingerprint]}"
        else:
            seen |= {seed: unit.name, fingerprint: unit.name}
        marked.append(replace(unit, reason=reason))
    return marked


def _assumptions(sides: Sequence[Sequence[_Unit]], question: ClaimQuestion) -> list[str]:
    """Notes for the reader: repeats, unknown seeds and base models, different steps."""
    units = [unit for side in sides for unit in side]
    counted = [unit for unit in units if not unit.reason]
    notes = [f"{unit.name} is not counted: {unit.reason}." for unit in units if unit.reason]
    known = [unit.any_row.checkpoint.run for unit in counted]
    if len(counted) > 2 and (unknown := [run.name for run in known if run.train_seed is None]):
        notes.append(
            f"No train seed is recorded for {', '.join(unknown)}: counted as runs of their own."
        )
    if len(counted) > 2 and (unnamed := [run.name for run in known if run.base_model is None]):
        notes.append(f"No base model is recorded for {', '.join(unnamed)}: taken as the same one.")
    if len(counted) == 2 and len({run.base_model for run in known}) > 1:
        notes.append("The two were trained from different base models.")
    steps = sorted({unit.any_row.checkpoint.step for unit in counted})
    if question.methods and len(steps) > 1:
        notes.append(
            f"Each run is taken at its newest evaluated step: {', '.join(map(str, steps))}."
        )
    return notes


def _answer(
    session: Session,
    memo: Memo,
    question: ClaimQuestion,
    sides: Sequence[Sequence[_Unit]],
    names: Sequence[str],
) -> ClaimView:
    counted = [[unit for unit in side if not unit.reason] for side in sides]
    scores = [[_scores(session, memo, unit, question.k) for unit in side] for side in sides]
    if max(len(side) for side in counted) == 1:
        models = {side[0].any_row.checkpoint.run.base_model for side in counted}
        if question.methods and len(models) > 1:
            raise UsageError(
                "The two methods have one run each, from different base models.",
                "Compare methods on base models that both were trained from.",
            )
        made = _of_checkpoints(session, memo, question, counted, names)
    else:
        made = _of_runs(session, memo, question, counted, names)
    weights = {own.benchmark: own.weight for own in made.benchmarks}
    listed = [
        _run(side, unit, own, weights)
        for side, units, values in zip(("baseline", "candidate"), sides, scores, strict=True)
        for unit, own in zip(units, values, strict=True)
    ]
    return replace(made, runs=listed)


def _scores(session: Session, memo: Memo, unit: _Unit, k: int) -> dict[str, float]:
    """pass@k of a run on each benchmark. UsageError where a problem has fewer than k samples."""
    from evalsvc.statistics import pass_at_k  # noqa: PLC0415 - a second to import

    found = {}
    for name, row in unit.chosen.items():
        counts = counts_of(session, memo, row)
        if int(counts.n.min()) < k:
            raise UsageError(
                f"k = {k} needs so many samples of every problem, but {unit.name} has only "
                f"{int(counts.n.min())} of some problem of {name}.",
                "Ask for a smaller k, draw more samples, or leave the benchmark out.",
            )
        found[name] = float(np.mean(pass_at_k(counts.n, counts.c, k)))
    return found


def _run(
    side: str, unit: _Unit, scores: dict[str, float], weights: Mapping[str, float]
) -> ClaimRun:
    checkpoint = unit.any_row.checkpoint
    return ClaimRun(
        side="baseline" if side == "baseline" else "candidate",
        run=checkpoint.run.name,
        step=checkpoint.step,
        method=checkpoint.run.method,
        base_model=checkpoint.run.base_model,
        train_seed=checkpoint.run.train_seed,
        score=sum(weights[name] * value for name, value in scores.items()),
        scores=scores,
        evaluations={name: row.id for name, row in unit.chosen.items()},
        counted=not unit.reason,
        reason=unit.reason,
    )


def _of_checkpoints(
    session: Session,
    memo: Memo,
    question: ClaimQuestion,
    counted: Sequence[Sequence[_Unit]],
    names: Sequence[str],
) -> ClaimView:
    """One run a side: the problems of all benchmarks are tested together."""
    from evalsvc.statistics import joint_claim  # noqa: PLC0415 - a second to import

    (before,), (after,) = counted
    counts = {
        n: _counts(session, memo, before.chosen[n], after.chosen[n], question.k) for n in names
    }
    made = joint_claim(counts, _weights(question, names), alpha=question.alpha)
    values = [_scores(session, memo, unit, question.k) for unit in (before, after)]
    return ClaimView(
        baseline=before.name,
        candidate=after.name,
        unit="checkpoint",
        baseline_runs=1,
        candidate_runs=1,
        k=question.k,
        alpha=question.alpha,
        test="sign flips by cluster over all benchmarks",
        estimate=made.estimate,
        interval=made.interval,
        p_value=made.p_value,
        smallest_p=None,
        outcome=_outcome(made.estimate, made.p_value, question.alpha),
        every_p_value=made.every,
        every=made.every <= question.alpha,
        benchmarks=[
            BenchmarkClaim(
                benchmark=name,
                weight=made.weights[name],
                baseline=values[0][name],
                candidate=values[1][name],
                difference=made.differences[name],
                p_adjusted=made.which[name],
                outcome=_outcome(made.differences[name], made.which[name], question.alpha),
                problems=made.problems[name],
            )
            for name in names
        ],
        base_models={},
        runs=[],
        sentence=f"pass@{question.k}, {after.name} against {before.name}. {made.sentence}",
        notes=[],
    )


def _counts(
    session: Session, memo: Memo, before: Evaluation, after: Evaluation, k: int
) -> "BenchmarkCounts":
    from evalsvc.statistics import BenchmarkCounts  # noqa: PLC0415 - a second to import

    left, right = counts_of(session, memo, before), counts_of(session, memo, after)
    labels = cluster_labels(left.problems.tolist(), traits_of(session, memo, before.revision_id))
    return BenchmarkCounts(left.n, left.c, right.n, right.c, (k,), labels)


def _of_runs(
    session: Session,
    memo: Memo,
    question: ClaimQuestion,
    counted: Sequence[Sequence[_Unit]],
    names: Sequence[str],
) -> ClaimView:
    """Several runs: a run over all benchmarks is the unit, within its base model."""
    from evalsvc.statistics import RunScores, holm, joint_claim_over_runs  # noqa: PLC0415

    before, after = (
        [
            RunScores(
                _scores(session, memo, unit, question.k),
                unit.any_row.checkpoint.run.base_model or "",
            )
            for unit in side
        ]
        for side in counted
    )
    weights = _weights(question, names)
    made = joint_claim_over_runs(before, after, weights, method=question.test, alpha=question.alpha)
    alone = {
        name: joint_claim_over_runs(
            [RunScores({name: r.scores[name]}, r.base_model) for r in before],
            [RunScores({name: r.scores[name]}, r.base_model) for r in after],
            method=question.test,
            alpha=question.alpha,
        )
        for name in names
    }
    adjusted = dict(
        zip(names, map(float, holm([one.p_value for one in alone.values()])), strict=True)
    )
    same_way = len({np.sign(one.estimate) for one in alone.values()}) == 1 and made.estimate != 0
    every = max(one.p_value for one in alone.values()) if same_way else 1.0
    found = ClaimView(
        baseline=question.baseline,
        candidate=question.candidate,
        unit="run",
        baseline_runs=made.baseline_runs,
        candidate_runs=made.candidate_runs,
        k=question.k,
        alpha=question.alpha,
        test=(
            "permutation of the methods' labels within base models"
            if question.test == "permutation"
            else "Welch's t within base models"
        ),
        estimate=made.estimate,
        interval=made.interval,
        p_value=made.p_value,
        smallest_p=made.smallest_p if question.test == "permutation" else None,
        outcome=_outcome(made.estimate, made.p_value if made.resolved else 1.0, question.alpha),
        every_p_value=every,
        every=every <= question.alpha and all(one.resolved for one in alone.values()),
        benchmarks=[
            BenchmarkClaim(
                benchmark=name,
                weight=made.weights[name],
                baseline=_mean(before, name),
                candidate=_mean(after, name),
                difference=one.estimate,
                p_adjusted=adjusted[name],
                outcome=_outcome(
                    one.estimate, adjusted[name] if one.resolved else 1.0, question.alpha
                ),
                problems=counted[0][0].chosen[name].problems_seen,
            )
            for name, one in alone.items()
        ],
        base_models=made.base_models if set(made.base_models) != {""} else {},
        runs=[],
        sentence="",
        notes=[],
    )
    return replace(found, sentence=_runs_sentence(found, made.sentence))


def _mean(side: Sequence["RunScores"], name: str) -> float:
    """The mean over base models of the mean over runs, as the estimate weighs them."""
    by_model: dict[str, list[float]] = {}
    for run in side:
        by_model.setdefault(run.base_model, []).append(run.scores[name])
    return float(np.mean([np.mean(values) for values in by_model.values()]))


def _runs_sentence(found: ClaimView, joint: str) -> str:
    """The sentence of the joint test, then those on every benchmark and on each one."""
    from evalsvc.statistics.sentences import p_value_words, points  # noqa: PLC0415

    words = [f"pass@{found.k}, {found.candidate} against {found.baseline}. {joint}"]
    if len(found.benchmarks) > 1:
        shown = "shown" if found.every else "not shown"
        words.append(
            f"Better on every one of them: {shown} ({p_value_words(found.every_p_value)})."
        )
        parts = [
            f"{own.benchmark} {points(own.difference)} ({p_value_words(own.p_adjusted)}"
            + (", not resolved)" if own.outcome == "unresolved" else ")")
            for own in found.benchmarks
        ]
        words.append(f"One by one, after Holm: {'; '.join(parts)}.")
    return " ".join(words)


def _outcome(difference: float, p_value: float, alpha: float) -> Outcome:
    if p_value > alpha or difference == 0:
        return "unresolved"
    return "better" if difference > 0 else "worse"


def _weights(question: ClaimQuestion, names: Sequence[str]) -> dict[str, float] | None:
    """The weights; None for equal ones. Raises UsageError where they name other benchmarks."""
    given = dict(question.weights)
    if given and set(given) != set(names):
        odd = ", ".join(sorted(set(given) ^ set(names)))
        raise UsageError(
            f"The weights and the benchmarks differ in {odd}.",
            f"Give one weight for each of {', '.join(names)}.",
        )
    return given or None


def parse_weights(text: str) -> tuple[tuple[str, float], ...]:
    """`aime2025=2,amc23=1` as pairs. Raises UsageError for another form or a weight <= 0."""
    found: dict[str, float] = {}
    for part in (part.strip() for part in text.split(",") if part.strip()):
        name, _, number = part.rpartition("=")
        try:
            weight = float(number)
        except ValueError:
            weight = 0.0
        name = name.strip()
        if not name or name in found or not 0 < weight < float("inf"):
            raise UsageError(
                f"{part!r} is not a weight of a benchmark.",
                "Write NAME=NUMBER once for each, positive, separated by commas: a=2,b=1.",
            )
        found[name] = weight
    return tuple(found.items())


def parse_names(text: str) -> tuple[str, ...]:
    """Names separated by commas, each once."""
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
