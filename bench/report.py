"""Reports of benches: figures against targets, with the machine they were measured on.

A bench writes `bench/results/NAME.json` (to a temporary file, then renamed) and prints its lines;
`python -m bench` collects them. A figure is a ratio or a quantity measured in the same run as what
it is compared with; `reached` is decided only here.
"""

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Figure:
    """One measured figure and what it should be."""

    what: str
    value: float
    target: float
    better: Literal["higher", "lower"]
    unit: str = ""
    how: str = ""  # short description of the comparison

    @property
    def reached(self) -> bool:
        return self.value >= self.target if self.better == "higher" else self.value <= self.target

    def line(self) -> str:
        sign = ">=" if self.better == "higher" else "<="
        verdict = "reached" if self.reached else "MISSED"
        return (
            f"{verdict:8} {self.what}: {self.value:.4g}{self.unit} "
            f"(target {sign} {self.target:g}{self.unit}) {self.how}".rstrip()
        )


@dataclass(frozen=True)
class Report:
    """All figures of one bench."""

    bench: str
    figures: Sequence[Figure]
    details: dict[str, Any] = field(default_factory=dict)  # numbers behind the figures

    @property
    def reached(self) -> bool:
        return all(figure.reached for figure in self.figures)

    def publish(self) -> int:
        """Print the lines, write the file, return the exit code: 0 when every target is reached."""
        for figure in self.figures:
            print(figure.line(), flush=True)
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.bench}.json"
        temporary = path.with_suffix(".json.part")
        temporary.write_text(json.dumps(self._as_json(), indent=1) + "\n", encoding="utf-8")
        temporary.replace(path)
        return 0 if self.reached else 1

    def _as_json(self) -> dict[str, Any]:
        return {
            "bench": self.bench,
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "figures": [{**asdict(f), "reached": f.reached} for f in self.figures],
            "details": self.details,
        }


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """p50, p95 and p99 of `values`, in their unit."""
    return {f"p{p}": float(np.percentile(values, p)) for p in (50, 95, 99)}


def machine() -> dict[str, Any]:
    """The machine: processor, cores, memory, Python."""
    model = ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": model or platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory_bytes / 2**30, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "million_additions_ms": round(_million_additions_ms(), 1),
    }


def _million_additions_ms() -> float:
    """Current speed of one core, best of five, for judging figures in milliseconds.

    20 on an idle machine of 2026, 50 to 250 on the same machine under other load.
    """
    times = []
    for _ in range(5):
        began = time.perf_counter()
        total = 0
        for number in range(1_000_000):
            total += number
        times.append(1000 * (time.perf_counter() - began))
    return min(times)
