"""`/power`: how many samples, problems or runs are needed, computed from stored counts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evalsvc.dashboard.pages.leaderboard import KS, ordered
from evalsvc.dashboard.plots.power import power_figure
from evalsvc.dashboard.rendering.page import Page, PageTable
from evalsvc.dashboard.web.page_request import PageRequest
from evalsvc.services.compare.power_plan import Unknown, plan
from evalsvc.statistics import Plan, StatisticsError
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories import evaluations
from evalsvc.store.repositories.evaluations import EvaluationFilter

FINDS: tuple[tuple[Unknown, str], ...] = (
    ("samples", "samples per problem"),
    ("problems", "problems"),
    ("runs", "training runs per method"),
    ("power", "the power of a design"),
)
EFFECTS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12)
ALPHA = 0.05


@dataclass(frozen=True)
class PowerQuestion:
    """The question. effect, target and deviation are fractions; `pilot` is RUN@STEP."""

    pilot: str
    benchmark: str
    find: Unknown
    k: int
    effect: float
    samples: int
    problems: int | None
    runs: int
    target: float
    deviation: float


@dataclass(frozen=True)
class PowerModel:
    """The question, the plan that answers it, and the same design at other effects."""

    question: PowerQuestion
    plan: Plan | None
    problem: str  # why there is no plan
    curve: list[Plan]


def build(request: PageRequest) -> Page:
    """Build the page; without a pilot, explain how to get one."""
    rows = [r for r in evaluations.matching(request.session, EvaluationFilter()) if r.samples_seen]
    benchmarks = ordered({row.benchmark for row in rows})
    if not benchmarks:
        return Page("power_empty.html", "Power", [], PageTable(("power",), []))
    benchmark = request.choice("benchmark", benchmarks, benchmarks[0])
    own = [row for row in rows if row.benchmark == benchmark]
    pilots = sorted({(row.checkpoint.run.method, _name(row)) for row in own})
    question = _question(request, benchmark, [name for _, name in pilots])
    versions = tuple((row.id, row.version) for row in own if _name(row) == question.pilot)
    found, problem = _answer(request, question, versions)
    curve = _at_other_effects(request, question, found, versions) if found else []
    return Page(
        template="power.html",
        title="Power",
        model=PowerModel(question, found, problem, curve),
        table=_table([*([found] if found else []), *curve]),
        extras={
            "benchmarks": [(name, name) for name in benchmarks],
            "pilots": [(name, f"{method}: {name}") for method, name in pilots],
            "finds": FINDS,
            "ks": [(str(value), f"pass@{value}") for value in sorted({*KS, question.k})],
        },
        figures={"power": power_figure(curve, found)} if found and curve else {},
    )


def _name(row: Evaluation) -> str:
    return f"{row.checkpoint.run.name}@{row.checkpoint.step}"


def _question(request: PageRequest, benchmark: str, pilots: Sequence[str]) -> PowerQuestion:
    k = request.number("k", 1, 1, 16_384)
    finds: dict[str, Unknown] = {name: name for name, _ in FINDS}
    return PowerQuestion(
        pilot=_pilot(request, pilots),
        benchmark=benchmark,
        find=finds[request.choice("find", finds, "samples")],
        k=k,
        effect=request.fraction("effect", 0.02, 0.0005, 0.95),
        samples=request.number("samples", max(k, 16), k, 16_384),
        problems=None,
        runs=request.number("runs", 1, 1, 1000),
        target=request.fraction("target", 0.8, 0.1, 0.99),
        deviation=request.fraction("run_deviation", 0, 0, 0.5),
    )


def _pilot(request: PageRequest, pilots: Sequence[str]) -> str:
    """The parameter `run`, also called `pilot`; RUN alone means its newest step."""
    name = "run" if request.text("run") else "pilot"
    asked = request.text(name)
    steps = [one for one in pilots if asked and one.rpartition("@")[0] == asked]
    if steps and asked not in pilots:
        return max(steps, key=lambda one: int(one.rpartition("@")[2]))
    return request.choice(name, pilots, pilots[0])


def _answer(
    request: PageRequest, question: PowerQuestion, versions: tuple[tuple[str, int], ...]
) -> tuple[Plan | None, str]:
    """(the plan, the reason if there is no plan); cached, because some designs are simulated."""

    def compute() -> tuple[Plan | None, str]:
        try:
            made = plan(
                request.session,
                request.state.memo,
                run=question.pilot,
                candidate=None,
                benchmark=question.benchmark,
                find=question.find,
                k=question.k,
                effect=question.effect,
                samples=question.samples,
                problems=question.problems,
                runs=question.runs,
                alpha=ALPHA,
                power=question.target,
                run_deviation=question.deviation,
            )
        except StatisticsError as error:
            return None, str(error)
        return made, ""

    return request.state.memo.get(("plan", question, versions), compute)


def _at_other_effects(
    request: PageRequest,
    question: PowerQuestion,
    found: Plan,
    versions: tuple[tuple[str, int], ...],
) -> list[Plan]:
    """The power of the same design at other effects, without those that the pilot rules out."""
    design = replace(
        question, find="power", samples=found.samples, problems=found.problems, runs=found.runs
    )
    plans = [
        _answer(request, replace(design, effect=effect), versions)[0]
        for effect in sorted({*EFFECTS, found.effect})
    ]
    return [one for one in plans if one is not None]


def _table(plans: Sequence[Plan]) -> PageTable:
    columns = ("k", "effect", "problems", "samples", "runs", "power", "total_samples", "hours")
    return PageTable(columns, [[getattr(one, name) for name in columns] for one in plans])
