"""All metrics by name: the built-in ones and those of other packages.

Another package adds a metric with an entry point of the group `evalsvc.metrics`, whose value is a
`MetricDefinition`. The name of the entry point is free; the metric has its own.

    [project.entry-points."evalsvc.metrics"]
    half-solved = "my_package.metrics:HALF_SOLVED"

One that cannot be imported does not affect the others: `broken` names it. A built-in name cannot be
replaced, and where several packages have a metric of one name, none of them is used.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Literal

from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.metrics.definition import ALL, MetricDefinition
from evalsvc.statistics.metrics.registered import REGISTERED

GROUP = "evalsvc.metrics"
OWN_PACKAGE = "evalsvc"


@dataclass(frozen=True)
class MetricReport:
    """An entry point that gives no metric: broken, or ignored because its name is taken."""

    name: str
    package: str
    state: Literal["broken", "ignored"]
    message: str


@dataclass(frozen=True)
class MetricRegistry:
    """The usable metrics in the order of showing, their packages, and what is not usable."""

    metrics: tuple[MetricDefinition, ...] = REGISTERED
    packages: dict[str, str] = field(default_factory=dict)  # by metric; absent for our own
    broken: tuple[MetricReport, ...] = ()

    def package_of(self, metric: MetricDefinition) -> str:
        """The distribution that a metric comes from."""
        return self.packages.get(metric.name, OWN_PACKAGE)

    def get(self, name: str) -> MetricDefinition:
        """The metric of this name. Raises StatisticsError that names those that exist."""
        for metric in self.metrics:
            if metric.name == name:
                return metric
        known = ", ".join(metric.name for metric in self.metrics)
        broken = " ".join(report.message for report in self.broken)
        raise StatisticsError(f"There is no metric {name!r}.", f"Known: {known}. {broken}".strip())

    def select(self, names: Sequence[str]) -> tuple[MetricDefinition, ...]:
        """These metrics, each once; every one for `all` and for no names. Raises as `get`."""
        if not names or ALL in names:
            return self.metrics
        return tuple(self.get(name) for name in dict.fromkeys(names))


def load_metrics(entries: Iterable[EntryPoint] | None = None) -> MetricRegistry:
    """Import the metrics of all installed packages."""
    found = entry_points(group=GROUP) if entries is None else entries
    loaded: dict[str, list[tuple[MetricDefinition, EntryPoint]]] = {}
    reports: list[MetricReport] = []
    for entry in sorted(found, key=lambda entry: (entry.name, entry.value)):
        try:
            metric = entry.load()
        except Exception as error:  # any package may raise any error
            reports.append(_report(entry, f"cannot be imported: {type(error).__name__}: {error}."))
            continue
        if isinstance(metric, MetricDefinition):
            loaded.setdefault(metric.name, []).append((metric, entry))
        else:
            reports.append(_report(entry, f"is not a MetricDefinition: {entry.value}."))
    own = {metric.name for metric in REGISTERED}
    usable: list[tuple[MetricDefinition, EntryPoint]] = []
    for name, offers in loaded.items():
        if name in own:
            reports += [
                _report(e, f"has the built-in name {name!r}.", "ignored") for _, e in offers
            ]
        elif len(offers) > 1:
            why = f"shares the name {name!r} with another."
            reports += [_report(entry, why) for _, entry in offers]
        else:
            usable += offers
    return MetricRegistry(
        metrics=(*REGISTERED, *(metric for metric, _ in usable)),
        packages={metric.name: _package(entry) for metric, entry in usable},
        broken=tuple(reports),
    )


def _report(
    entry: EntryPoint, why: str, state: Literal["broken", "ignored"] = "broken"
) -> MetricReport:
    package = _package(entry)
    message = f"The metric {entry.name!r} of the package {package} {why}"
    return MetricReport(entry.name, package, state, message)


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "unknown"
