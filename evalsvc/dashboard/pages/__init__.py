"""The pages: one module each with `build`, from a `PageRequest` to a `Page`; `PAGES` lists them."""

from collections.abc import Callable

from evalsvc.dashboard.pages import (
    benchmarks,
    claims,
    compare,
    evaluation,
    job,
    leaderboard,
    matrix,
    overview,
    power,
    problem,
    rescore,
    run,
    workers,
)
from evalsvc.dashboard.rendering.page import Page
from evalsvc.dashboard.web.page_request import PageRequest

POWER = ("benchmark", "run", "pilot", "find", "k", "effect", "samples", "runs", "target")
# Address, builder of the page, and its parameters, with the same names as in REST.
PAGES: tuple[tuple[str, Callable[[PageRequest], Page], tuple[str, ...]], ...] = (
    ("/", overview.build, ()),
    (
        "/leaderboard",
        leaderboard.build,
        ("k", "benchmark", "method", "baseline", "steps", "published", "sort", "page"),
    ),
    (
        "/compare",
        compare.build,
        ("baseline", "candidate", "benchmark", "k", "allow_differences", "interval"),
    ),
    (
        "/claims",
        claims.build,
        (
            *("by", "baseline_method", "candidate_method", "baseline", "candidate"),
            *("benchmarks", "weights", "k", "alpha", "test", "step", "base_model"),
        ),
    ),
    ("/matrix", matrix.build, ("benchmark", "checkpoint", "show", "sort", "q", "page")),
    ("/runs/{name:path}", run.build, ("benchmark", "k", "interval", "lines", "with")),
    ("/jobs/{job}", job.build, ()),
    ("/evaluations/{evaluation}", evaluation.build, ("show", "sort", "page", "interval")),
    ("/evaluations/{evaluation}/rows/{row}", problem.build, ("show", "page", "sample", "as")),
    ("/rescores/{rescore}", rescore.build, ("page",)),
    ("/power", power.build, (*POWER, "run_deviation")),
    ("/benchmarks", benchmarks.build, ("name",)),
    ("/workers", workers.build, ()),
)
REPEATED = ("checkpoint", "with")  # parameters that may be given several times
