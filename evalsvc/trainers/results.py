"""An ended job as numbers for a trainer's log: pass@k by benchmark."""

from typing import Any

from evalsvc.client import Client

PREFIX = "eval_"  # the Trainer's integrations (W&B, TensorBoard) file such names under "eval/"


def job_scores(client: Client, job: dict[str, Any]) -> dict[str, float]:
    """`{"eval_aime2025_pass@1": 0.13, ...}` for the evaluations of an ended job.

    Empty if nothing was evaluated. Raises ServerError if the server does not answer.
    """
    scores: dict[str, float] = {}
    for summary in job.get("evaluations") or ():
        evaluation = client.get(f"/v1/evaluations/{summary['id']}")
        name = evaluation["benchmark"]
        for metric, value in evaluation["metrics"].items():
            scores[f"{PREFIX}{name}_{metric}"] = float(value["value"])
    return scores
