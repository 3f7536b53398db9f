"""The timeline of shards as SVG: a lane per worker, a bar per shard, a tick per failure.

A worker has several shards in flight; their bars are below each other in its lane. Attributes hold
only numbers and class names; the workers' names are escaped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup, escape

from evalsvc.dashboard.rendering import formatting, labels
from evalsvc.dashboard.rendering.text import plain
from evalsvc.services.evaluations.timeline import Happening, Span, Timeline

WIDTH, LEFT, TOP = 1000.0, 150.0, 8.0
ROW, PADDING = 11.0, 4.0  # height of a bar with its gap; above and below the bars of a lane
MOST_LANES, MOST_ROWS = 24, 6
NAME_CHARACTERS = 22
_MARKS = ("died", "killed", "failed", "retried", "swapped", "started", "restarted")
_BAD = ("died", "killed", "failed", "retried")


def draw_timeline(timeline: Timeline) -> Markup:
    """The drawing, or nothing if no shard has started."""
    if not timeline.spans:
        return Markup("")
    start = min(span.start for span in timeline.spans)
    end = max(span.end for span in timeline.spans)
    scale = _Scale(start, max((end - start).total_seconds(), 1.0))
    lanes = _lanes(timeline.spans)
    bottom = max(lane.bottom for lane in lanes.values())
    height = bottom + 22
    parts = [
        f'<svg class="timeline" viewBox="0 0 {WIDTH:g} {height:g}" role="img" '
        f'aria-label="Timeline of {labels.plural(len(timeline.spans), "shard")} on '
        f'{labels.plural(len(lanes), "worker")}">'
    ]
    for worker, lane in lanes.items():
        parts.append(_head(lane, worker))
        parts += [_bar(lane.top + PADDING + ROW * row, span, scale) for row, span in lane.bars]
    for happening in timeline.happenings:
        if _is_marked(happening, scale):
            lane = lanes.get(happening.worker) or _Lane(TOP, bottom, [])
            parts.append(_tick(happening, lane, scale))
    parts.append(_axis(scale, height))
    parts.append("</svg>")
    return Markup("".join(parts))  # noqa: S704 - numbers, fixed classes and escaped names


class _Scale:
    """Converts instants to user units."""

    def __init__(self, start: datetime, seconds: float) -> None:
        self.start, self.seconds = start, seconds

    def x(self, at: datetime) -> float:
        share = (at - self.start).total_seconds() / self.seconds
        return LEFT + (WIDTH - LEFT) * min(1.0, max(0.0, share))


@dataclass(frozen=True)
class _Lane:
    """The space of one worker, in user units, and its bars as (row, shard)."""

    top: float
    bottom: float
    bars: list[tuple[int, Span]]


def _lanes(spans: Sequence[Span]) -> dict[str, _Lane]:
    """The lanes by worker, in the order of their first shards."""
    workers = list(dict.fromkeys(span.worker for span in spans))[:MOST_LANES]
    lanes: dict[str, _Lane] = {}
    top = TOP
    for worker in workers:
        bars = _rows([span for span in spans if span.worker == worker])
        bottom = top + 2 * PADDING + ROW * (1 + max(row for row, _ in bars))
        lanes[worker] = _Lane(top, bottom, bars)
        top = bottom
    return lanes


def _rows(spans: Sequence[Span]) -> list[tuple[int, Span]]:
    """Put each shard into the first free row; beyond MOST_ROWS rows they overlap."""
    ends: list[datetime] = []
    placed = []
    for span in sorted(spans, key=lambda span: span.start):
        row = next((i for i, end in enumerate(ends) if end <= span.start), len(ends))
        row = min(row, MOST_ROWS - 1)
        ends[row : row + 1] = [span.end]
        placed.append((row, span))
    return placed


def _head(lane: _Lane, worker: str) -> str:
    short = worker if len(worker) <= NAME_CHARACTERS else worker[: NAME_CHARACTERS - 1] + "…"
    return (
        f'<text x="0" y="{(lane.top + lane.bottom) / 2 + 4:g}">{escape(plain(short))}</text>'
        f'<line class="lane" x1="0" x2="{WIDTH:g}" y1="{lane.bottom:g}" y2="{lane.bottom:g}"/>'
    )


def _bar(y: float, span: Span, scale: _Scale) -> str:
    x = scale.x(span.start)
    width = max(scale.x(span.end) - x - 0.6, 1.2)
    state = span.state if span.state in ("done", "running", "failed", "cancelled") else "running"
    seconds = (span.end - span.start).total_seconds()
    said = f"{formatting.count(span.samples)} samples, {formatting.duration(seconds)}, {span.state}"
    if span.deaths:
        said += f", {labels.plural(span.deaths, 'worker')} died of it"
    return (
        f'<rect class="shard-{state}" x="{x:.1f}" y="{y:g}" width="{width:.1f}" '
        f'height="{ROW - 2:g}" rx="1.5"><title>{escape(said)}</title></rect>'
    )


def _is_marked(happening: Happening, scale: _Scale) -> bool:
    after = (happening.at - scale.start).total_seconds() >= -1
    return after and happening.kind.rpartition(".")[2] in _MARKS


def _tick(happening: Happening, lane: _Lane, scale: _Scale) -> str:
    x = scale.x(happening.at)
    kind = "event event-bad" if happening.kind.rpartition(".")[2] in _BAD else "event"
    said = f"{happening.kind} {formatting.instant(happening.at)} {labels.details(happening.data)}"
    return (
        f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{lane.top:g}" y2="{lane.bottom:g}">'
        f"<title>{escape(plain(said))}</title></line>"
    )


def _axis(scale: _Scale, height: float) -> str:
    parts = []
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        x = LEFT + (WIDTH - LEFT) * share
        label = (
            formatting.instant(scale.start)[11:]
            if not share
            else "+" + formatting.duration(scale.seconds * share)
        )
        parts.append(f'<text x="{x:g}" y="{height - 6:g}" text-anchor="{anchor}">{label}</text>')
    return "".join(parts)
