"""Format quantities: percent with one decimal, intervals, durations, counts, instants.

An unknown value is an em dash, never zero.
"""

from datetime import UTC, datetime

NOTHING = "—"
_MINUS = "\N{MINUS SIGN}"
_THIN = "\N{THIN SPACE}"


def percent(fraction: float | None, decimals: int = 1) -> str:
    """A fraction in [0, 1] in percent, without the sign: 0.634 is "63.4"."""
    return NOTHING if fraction is None else _signed(f"{100 * fraction:.{decimals}f}")


def points(fraction: float | None, decimals: int = 1) -> str:
    """A difference of fractions in percentage points, with its sign: "+1.3"."""
    if fraction is None:
        return NOTHING
    text = f"{100 * fraction:+.{decimals}f}"
    return text.replace("-", _MINUS) if float(text) else f"{0:.{decimals}f}"


def interval(low: float | None, high: float | None, decimals: int = 1) -> str:
    """Bounds in percent: "61.2–65.5"; a minus sign is separated from the dash."""
    if low is None or high is None:
        return NOTHING
    dash = "–" if low >= 0 else " to "
    return f"{percent(low, decimals)}{dash}{percent(high, decimals)}"


def in_unit(value: float, unit: str) -> str:
    """A metric's value: fractions in percent, others with their unit, 1,912.4 tokens."""
    return f"{percent(value)} %" if unit == "fraction" else f"{value:,.1f} {unit}"


def bounds_in_unit(bounds: tuple[float, float] | None, unit: str) -> str:
    """A metric's interval, in percent where its unit is the fraction."""
    if bounds is None:
        return NOTHING
    return interval(*bounds) if unit == "fraction" else f"{bounds[0]:,.1f} to {bounds[1]:,.1f}"


def point_interval(bounds: tuple[float, float] | None, decimals: int = 1) -> str:
    """Bounds of a difference in percentage points: "−0.4 to +3.0"."""
    if bounds is None:
        return NOTHING
    return f"{points(bounds[0], decimals)} to {points(bounds[1], decimals)}"


def count(number: int | None) -> str:
    """A count with thin spaces between thousands."""
    return NOTHING if number is None else f"{number:,}".replace(",", _THIN)


def p_value(p: float | None) -> str:
    """A p-value with two significant digits; a very small one as a bound."""
    if p is None:
        return NOTHING
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def duration(seconds: float | None) -> str:
    """The two largest units: "3 h 12 min", "45 s", "80 ms"."""
    if seconds is None:
        return NOTHING
    if seconds < 0.0001:
        return "< 0.1 ms"
    if seconds < 0.9995:
        return f"{1000 * seconds:.{0 if seconds >= 0.01 else 1}f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, large, unit, small in (
        (86_400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // unit
            return f"{whole // size} {large}" + (f" {rest} {small}" if rest else "")
    return f"{whole} s"


def rate(per_second: float | None) -> str:
    """A rate with three significant digits and separated thousands."""
    if per_second is None:
        return NOTHING
    return count(round(per_second)) if per_second >= 100 else f"{per_second:.3g}"


def size(number_of_bytes: int | None) -> str:
    """A size in powers of 1,000 bytes."""
    if number_of_bytes is None:
        return NOTHING
    value = float(number_of_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"


def instant(at: datetime | None) -> str:
    """An instant in UTC, to the second."""
    return NOTHING if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def ago(at: datetime | None, reference: datetime | None = None) -> str:
    """The time before `reference` (by default now)."""
    if at is None:
        return NOTHING
    seconds = ((reference or datetime.now(UTC)) - at).total_seconds()
    return "just now" if seconds < 2 else f"{duration(float(int(seconds)))} ago"


def _signed(text: str) -> str:
    if not float(text):
        return text.removeprefix("-")
    return text.replace("-", _MINUS)
