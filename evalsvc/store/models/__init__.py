"""The tables. Texts of problems and answers are in the benchmark data and transcripts, not here."""

from evalsvc.store.models.access import ApiKey, Webhook, WebhookDelivery
from evalsvc.store.models.base import Base, now
from evalsvc.store.models.results import (
    BenchmarkRevision,
    Evaluation,
    Problem,
    ProblemResult,
    Rescore,
    RescoredSample,
    VerdictOverride,
)
from evalsvc.store.models.training import Checkpoint, Run
from evalsvc.store.models.work import (
    DispatcherEpoch,
    Event,
    Job,
    JobEvaluation,
    Shard,
    Throughput,
    WorkerRecord,
)

__all__ = [
    "ApiKey",
    "Base",
    "BenchmarkRevision",
    "Checkpoint",
    "DispatcherEpoch",
    "Evaluation",
    "Event",
    "Job",
    "JobEvaluation",
    "Problem",
    "ProblemResult",
    "Rescore",
    "RescoredSample",
    "Run",
    "Shard",
    "Throughput",
    "VerdictOverride",
    "Webhook",
    "WebhookDelivery",
    "WorkerRecord",
    "now",
]
