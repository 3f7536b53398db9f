"""The Python client of the service: for scripts, notebooks, the command line and the hooks.

It needs httpx and pydantic only. `client` holds the two clients, `operations` the requests of each
call, `transport` HTTP with retries, `rows` the typed answers and their tables, `progress` the bar.
"""

from evalsvc.client.client import AsyncClient, Client
from evalsvc.client.rows import (
    ENDED,
    AsyncSamples,
    Claim,
    ComparisonTable,
    EvaluationResult,
    Job,
    MetricRow,
    PowerPlan,
    ResultFigure,
    Samples,
    Table,
)
from evalsvc.client.transport import ServerEvent

__all__ = [
    "ENDED",
    "AsyncClient",
    "AsyncSamples",
    "Claim",
    "Client",
    "ComparisonTable",
    "EvaluationResult",
    "Job",
    "MetricRow",
    "PowerPlan",
    "ResultFigure",
    "Samples",
    "ServerEvent",
    "Table",
]
