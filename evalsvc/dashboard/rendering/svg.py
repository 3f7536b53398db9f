"""Small drawings inside tables, as SVG with classes and no style: whiskers, progress bars.

The input is only numbers, so nothing has to be escaped. Drawings are hidden from screen readers,
which find the same numbers next to them.
"""

from markupsafe import Markup

WIDTH = 90.0  # user units of a whisker


def whisker(
    value: float | None,
    low: float | None,
    high: float | None,
    scale: tuple[float, float] = (0.0, 1.0),
    *,
    zero: bool = False,
) -> Markup:
    """A value with its interval on a common scale; `zero` marks zero."""
    if value is None:
        return Markup("")
    parts = [f'<line class="axis" x1="0" x2="{WIDTH:g}" y1="4.5" y2="4.5"/>']
    if zero:
        x = _x(0.0, scale)
        parts.append(f'<line class="zero" x1="{x}" x2="{x}" y1="0" y2="9"/>')
    if low is not None and high is not None:
        parts.append(
            f'<line class="range" x1="{_x(low, scale)}" x2="{_x(high, scale)}" y1="4.5" y2="4.5"/>'
        )
    parts.append(f'<circle class="dot" cx="{_x(value, scale)}" cy="4.5" r="2.6"/>')
    return _svg("whisker", f"0 0 {WIDTH:g} 9", parts)


def progress(done: int, total: int, failed: int = 0) -> Markup:
    """A bar of the done and failed parts of `total`."""
    if total <= 0:
        return Markup("")
    good = 100 * min(1.0, done / total)
    bad = min(100 - good, 100 * failed / total)
    parts = [f'<rect class="progress-bar" x="0" y="0" width="{good:.2f}" height="8"/>']
    if bad:
        parts.append(
            f'<rect class="progress-failed" x="{good:.2f}" y="0" width="{bad:.2f}" height="8"/>'
        )
    return _svg("progress", "0 0 100 8", parts, ' preserveAspectRatio="none"')


def _x(value: float, scale: tuple[float, float]) -> str:
    low, high = scale
    share = 0.5 if high <= low else (value - low) / (high - low)
    return f"{WIDTH * min(1.0, max(0.0, share)):.1f}"


def _svg(kind: str, box: str, parts: list[str], more: str = "") -> Markup:
    return Markup(  # noqa: S704 - numbers only
        f'<svg class="{kind}" viewBox="{box}" aria-hidden="true"{more}>{"".join(parts)}</svg>'
    )
