"""The timeline of shards as SVG made here: one lane a worker, a bar a shard, a tick a fault.

Only numbers and class names go into attributes; the workers' names are escaped.
"""

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup, escape

from evalsvc.api.services.timeline import Happening, Span, Timeline
from evalsvc.dashboard import numbers
from evalsvc.dashboard.text import plain

WIDTH, LEFT, LANE, TOP = 1000.0, 150.0, 22.0, 8.0
MOST_LANES = 24
NAME_CHARACTERS = 22
_MARKS = ("died", "killed", "failed", "swapped", "started", "restarted")
_BAD = ("died", "killed", "failed")


def draw_timeline(timeline: Timeline) -> Markup:
    """The drawing, or nothing when no shard has started."""
    if not timeline.spans:
        return Markup("")
    start = min(span.start for span in timeline.spans)
    end = max(span.end for span in timeline.spans)
    workers = list(dict.fromkeys(span.worker for span in timeline.spans))[:MOST_LANES]
    scale = _Scale(start, max((end - start).total_seconds(), 1.0))
    height = TOP + LANE * len(workers) + 22
    parts = [
        f'<svg class="timeline" viewBox="0 0 {WIDTH:g} {height:g}" role="img" '
        f'aria-label="Timeline of {len(timeline.spans)} shards on {len(workers)} workers">'
    ]
    for lane, worker in enumerate(workers):
        parts.append(_lane(lane, worker))
        parts += [_bar(lane, span, scale) for span in timeline.spans if span.worker == worker]
    parts += [_tick(h, workers, scale) for h in timeline.happenings if _is_marked(h, scale)]
    parts.append(_axis(scale, height))
    parts.append("</svg>")
    return Markup("".join(parts))  # noqa: S704 - numbers, fixed classes and escaped names


class _Scale:
    """Instants to user units."""

    def __init__(self, start: datetime, seconds: float) -> None:
        self.start, self.seconds = start, seconds

    def x(self, at: datetime) -> float:
        share = (at - self.start).total_seconds() / self.seconds
        return LEFT + (WIDTH - LEFT) * min(1.0, max(0.0, share))


def _lane(lane: int, worker: str) -> str:
    y = TOP + LANE * lane
    short = worker if len(worker) <= NAME_CHARACTERS else worker[: NAME_CHARACTERS - 1] + "…"
    return (
        f'<text x="0" y="{y + 14:g}">{escape(plain(short))}</text>'
        f'<line class="lane" x1="{LEFT:g}" x2="{WIDTH:g}" y1="{y + LANE:g}" y2="{y + LANE:g}"/>'
    )


def _bar(lane: int, span: Span, scale: _Scale) -> str:
    x, y = scale.x(span.start), TOP + LANE * lane + 4
    width = max(scale.x(span.end) - x - 0.6, 1.2)
    state = span.state if span.state in ("done", "running", "failed", "cancelled") else "running"
    seconds = (span.end - span.start).total_seconds()
    words = f"{numbers.count(span.samples)} samples, {numbers.duration(seconds)}, {span.state}"
    if span.deaths:
        words += f", {span.deaths} worker deaths"
    return (
        f'<rect class="shard-{state}" x="{x:.1f}" y="{y:g}" width="{width:.1f}" '
        f'height="{LANE - 8:g}" rx="1.5"><title>{escape(words)}</title></rect>'
    )


def _is_marked(happening: Happening, scale: _Scale) -> bool:
    after = (happening.at - scale.start).total_seconds() >= -1
    return after and happening.kind.rpartition(".")[2] in _MARKS


def _tick(happening: Happening, workers: Sequence[str], scale: _Scale) -> str:
    x = scale.x(happening.at)
    lane = workers.index(happening.worker) if happening.worker in workers else None
    top = TOP + LANE * lane if lane is not None else TOP
    bottom = top + LANE if lane is not None else TOP + LANE * len(workers)
    kind = "event event-bad" if happening.kind.rpartition(".")[2] in _BAD else "event"
    words = f"{happening.kind} {numbers.instant(happening.at)}"
    return (
        f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{top:g}" y2="{bottom:g}">'
        f"<title>{escape(words)}</title></line>"
    )


def _axis(scale: _Scale, height: float) -> str:
    parts = []
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        x = LEFT + (WIDTH - LEFT) * share
        label = (
            numbers.instant(scale.start)[11:]
            if not share
            else "+" + numbers.duration(scale.seconds * share)
        )
        parts.append(f'<text x="{x:g}" y="{height - 6:g}" text-anchor="{anchor}">{label}</text>')
    return "".join(parts)
