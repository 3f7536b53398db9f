"""`python -m bench [NAME ...]`: run the benches one after another and print the table.

Each bench runs in its own process, so that none warms a cache for the next. The exit code is
non-zero if a target is missed or a bench fails.
"""

import json
import subprocess
import sys
import time

from bench.report import RESULTS

BENCHES = (
    "verification",
    "statistics",
    "statistics_new",
    "adaptive",
    "server",
    "pages",
    "scale",
    "faults",
    "hook",
    "overhead",
    "integrity",
    "sweep",
)


def _run(name: str) -> tuple[int, float]:
    started = time.monotonic()
    (RESULTS / f"{name}.json").unlink(missing_ok=True)
    done = subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False)
    return done.returncode, time.monotonic() - started


def _rows(name: str) -> list[tuple[str, str, str, str]]:
    path = RESULTS / f"{name}.json"
    if not path.exists():
        return [(f"{name}: no result was written", "", "", "BROKEN")]
    rows = []
    for figure in json.loads(path.read_text(encoding="utf-8"))["figures"]:
        sign = ">=" if figure["better"] == "higher" else "<="
        rows.append(
            (
                figure["what"],
                f"{sign} {figure['target']:g}{figure['unit']}",
                f"{figure['value']:.4g}{figure['unit']}",
                "reached" if figure["reached"] else "MISSED",
            )
        )
    return rows


def main() -> int:
    names = sys.argv[1:] or list(BENCHES)
    if unknown := [name for name in names if name not in BENCHES]:
        print(f"error: no bench called {', '.join(unknown)}; there are: {', '.join(BENCHES)}")
        return 2
    codes: dict[str, tuple[int, float]] = {}
    began = time.monotonic()
    for number, name in enumerate(names, start=1):
        so_far = f"{(time.monotonic() - began) / 60:.0f} min so far"
        print(f"\n== bench.{name}: {number} of {len(names)}, {so_far}", flush=True)
        codes[name] = _run(name)
    head = ("what", "target", "figure", "verdict")
    rows = [head, *(row for name in names for row in _rows(name))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    print()
    for what, target, figure, verdict in rows:
        print(f"{what:{widths[0]}}  {target:>{widths[1]}}  {figure:>{widths[2]}}  {verdict}")
    for name, (code, seconds) in codes.items():
        print(f"bench.{name} took {seconds:.0f} s and ended with {code}")
    return 0 if all(code == 0 for code, _ in codes.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
