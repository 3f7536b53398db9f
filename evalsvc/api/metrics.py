"""The figures for Prometheus, counted from the database at each scrape: nothing is lost or doubled
by a restart, and all servers of one database report the same."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from evalsvc.store.models import DispatcherEpoch, WorkerRecord
from evalsvc.store.repositories.totals import Totals
from evalsvc.store.states import DispatcherState, EvaluationState, JobState, ShardState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def render_metrics(
    totals: Totals, workers: Sequence[WorkerRecord], dispatcher: DispatcherEpoch | None
) -> bytes:
    """Everything in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Snapshot(totals, workers, dispatcher))
    text: bytes = generate_latest(registry)
    return text


class _Snapshot(Collector):
    def __init__(
        self, totals: Totals, workers: Sequence[WorkerRecord], dispatcher: DispatcherEpoch | None
    ) -> None:
        self._totals, self._workers, self._dispatcher = totals, workers, dispatcher

    def collect(self) -> Iterator[Metric]:
        totals = self._totals
        yield _states("evalsvc_jobs", "Jobs by state", JobState, totals.jobs)
        yield _states(
            "evalsvc_evaluations", "Evaluations by state", EvaluationState, totals.evaluations
        )
        yield _states("evalsvc_shards", "Shards by state", ShardState, totals.shards)
        yield GaugeMetricFamily(
            "evalsvc_samples_waiting", "Samples in ready shards", totals.samples_waiting
        )
        yield SummaryMetricFamily(
            "evalsvc_shard_seconds",
            "Time of finished shards",
            count_value=totals.shards_timed,
            sum_value=totals.shard_seconds,
        )
        for name, help_text, value in (
            ("evalsvc_output_tokens", "Tokens generated", totals.output_tokens),
            ("evalsvc_samples", "Samples judged", totals.samples),
            ("evalsvc_verifier_failures", "Samples not judged", totals.verifier_failures),
            ("evalsvc_shard_deaths", "Workers that died of a shard", totals.worker_deaths),
        ):
            yield CounterMetricFamily(name, help_text, value)
        said = {self._dispatcher.state: 1} if self._dispatcher is not None else {}
        help_text = "1 for the state that the dispatcher last told"
        yield _states("evalsvc_dispatcher", help_text, DispatcherState, said)
        yield from self._of_workers()

    def _of_workers(self) -> Iterator[Metric]:
        speed = GaugeMetricFamily(
            "evalsvc_worker_tokens_per_second", "Tokens a second", labels=["worker", "state"]
        )
        swaps = CounterMetricFamily(
            "evalsvc_weight_swaps", "Weights exchanged in place", labels=["worker"]
        )
        starts = CounterMetricFamily("evalsvc_cold_starts", "Engines started", labels=["worker"])
        for worker in self._workers:
            speed.add_metric(
                [worker.id, worker.state], float(worker.status.get("tokens_per_second", 0.0))
            )
            swaps.add_metric([worker.id], int(worker.status.get("swaps", 0)))
            starts.add_metric([worker.id], int(worker.status.get("cold_starts", 0)))
        yield from (speed, swaps, starts)


def _states(
    name: str, help_text: str, states: Iterable[str], counts: Mapping[str, int]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=["state"])
    for state in states:
        family.add_metric([str(state)], counts.get(state, 0))
    return family
