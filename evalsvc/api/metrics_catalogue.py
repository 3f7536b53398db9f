"""The registered metrics: what each is, and which intervals and test it has."""

from dataclasses import dataclass

from fastapi import APIRouter

from evalsvc.api.auth import Reader
from evalsvc.api.problem_details import documented
from evalsvc.api.state import StateDep
from evalsvc.services.evaluations.metric_figures import MetricView, list_metrics

router = APIRouter(prefix="/v1/metrics-catalogue", tags=["evaluations"])


@dataclass(frozen=True)
class MetricsCatalogue:
    """unusable: the metrics of other packages that cannot be used, each with the reason."""

    items: list[MetricView]
    unusable: list[str]


@router.get("", responses=documented())
def list_registered_metrics(state: StateDep, who: Reader) -> MetricsCatalogue:
    """Every registered metric, those of other packages included, in the order of showing."""
    unusable = [report.message for report in state.metrics.broken]
    return MetricsCatalogue(list_metrics(state.metrics), unusable)
