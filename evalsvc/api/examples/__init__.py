"""An example of every answer, for the OpenAPI document: all of one checkpoint's evaluation.

A test checks each example against the schema of its route, and that no route lacks one.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

from evalsvc.api.examples.comparisons import (
    BENCHMARK,
    BEST,
    CHECKPOINT,
    CLAIM,
    COMPARED,
    DELIVERY,
    DISPATCHER,
    IMPORTED,
    LEADER,
    METRICS,
    PLAN,
    POINT,
    PUBLISHED,
    RANKED,
    RUN,
    WEBHOOK,
    WORKER,
)
from evalsvc.api.examples.evaluations import (
    CANCELLED,
    CHANGE,
    CHANGES_CSV,
    EVALUATION,
    EVALUATION_IN_FULL,
    EVALUATION_METRICS,
    EVENTS,
    JOB,
    METRICS_CATALOGUE,
    PROBLEM,
    PROFILE,
    RESCORE,
    SAMPLES,
    STARTED,
)
from evalsvc.api.examples.story import JOB_ID, page

_EVALUATION = "/v1/evaluations/{evaluation_id}"
ANSWERS: Mapping[str, Any] = {
    "POST /v1/jobs": JOB,
    "GET /v1/jobs": page(JOB, "WyIyMDI2LTAzLTAxVDA5OjAwOjAwWiJd"),
    "GET /v1/jobs/{job_id}": JOB,
    "POST /v1/jobs/{job_id}/cancel": CANCELLED,
    "GET /v1/jobs/{job_id}/events": EVENTS,
    "GET /v1/evaluations": page(EVALUATION),
    f"GET {_EVALUATION}": EVALUATION_IN_FULL,
    f"GET {_EVALUATION}/problems": page(PROBLEM, "WzBd"),
    f"GET {_EVALUATION}/profile": PROFILE,
    f"GET {_EVALUATION}/metrics": EVALUATION_METRICS,
    "GET /v1/metrics-catalogue": METRICS_CATALOGUE,
    f"GET {_EVALUATION}/confidences": {
        "samples": 480,
        "proven": 300,
        "computed": 20,
        "convention": 80,
        "undecided": 80,
        "not_recorded": 0,
        "convention_share": 0.2,
        "sentence": "80 of 400 verdicts (20.0%) were reached by convention: a unit, a label or "
        "words were dropped, and the like.",
    },
    f"GET {_EVALUATION}/scoring": {
        "samples": 480,
        "correct": 64,
        "correct_box_only": 62,
        "pass_at_1": 0.1333,
        "pass_at_1_box_only": 0.1292,
        "only_by_our_rules": {"equal numbers": 2},
    },
    f"GET {_EVALUATION}/rows/{{row}}/samples": SAMPLES,
    f"POST {_EVALUATION}/rows/{{row}}/samples/{{sample}}/override": {
        "correct": True,
        "who": "alice",
        "why": "0.5 and 1/2 are the same number here",
    },
    f"POST {_EVALUATION}/rescore": STARTED,
    f"GET {_EVALUATION}/rescores": page(RESCORE),
    "GET /v1/rescores/{rescore_id}": RESCORE,
    "GET /v1/rescores/{rescore_id}/changes": page(CHANGE),
    "GET /v1/rescores/{rescore_id}/changes.csv": CHANGES_CSV,
    "POST /v1/rescores/{rescore_id}/accept": {**RESCORE, "state": "accepted"},
    "GET /v1/runs": page(RUN),
    "GET /v1/runs/{name}/curve": {
        "run": "qwen-agrae-seed0",
        "method": "GRPO + A-GRAE",
        "k": 1,
        "points": [POINT],
        "best": [BEST],
        "notes": [],
    },
    "POST /v1/checkpoints": {"checkpoint": CHECKPOINT, "job_id": JOB_ID},
    "GET /v1/checkpoints": page(CHECKPOINT),
    "GET /v1/benchmarks": page(BENCHMARK),
    "GET /v1/benchmarks/{name}": BENCHMARK,
    "GET /v1/benchmarks/{name}/published": PUBLISHED,
    "GET /v1/compare": COMPARED,
    "GET /v1/claims": CLAIM,
    "GET /v1/leaderboard": {
        "k": 1,
        "ranked_over": ["aime2025"],
        "items": [LEADER],
        "notes": [],
    },
    "GET /v1/rank": {
        "how": "mean",
        "k": 1,
        "benchmarks": ["aime2025"],
        "items": [RANKED],
        "notes": [],
    },
    "GET /v1/power": PLAN,
    "POST /v1/imports": IMPORTED,
    "GET /v1/workers": {**page(WORKER), "dispatcher": DISPATCHER},
    "POST /v1/webhooks": {**WEBHOOK, "secret": "shown-only-now"},
    "GET /v1/webhooks": page(WEBHOOK),
    "GET /v1/webhooks/{webhook_id}/deliveries": page(DELIVERY),
    "GET /healthz": {"status": "ok", "version": "0.2.0"},
    "GET /readyz": {"status": "ready", "database": "ok", "artifacts": "ok"},
    "GET /metrics": METRICS,
}


def install(app: FastAPI) -> None:
    """Put the examples into the application's OpenAPI document."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            add_to(plain())
        return plain()

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it


def add_to(document: dict[str, Any]) -> None:
    """Give each answer of an OpenAPI document its example."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            example = ANSWERS.get(f"{method.upper()} {path}")
            for status, answer in operation["responses"].items():
                if example is not None and status.startswith("2"):
                    for content in answer["content"].values():
                        content["example"] = example
