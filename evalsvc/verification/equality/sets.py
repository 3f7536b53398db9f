"""Unions, intersections and differences of intervals and points on the real line."""

from dataclasses import dataclass, replace

from evalsvc.verification.equality.numeric import Evaluator, Undefined
from evalsvc.verification.equality.scalar_equality import Outcome, infinity_sign, scalars_equal
from evalsvc.verification.grammar.tree import (
    SCALARS,
    Braces,
    Bracket,
    Joined,
    Node,
    Quantity,
    Scalar,
)


@dataclass(frozen=True, slots=True)
class _Piece:
    """An interval; a point has two equal closed ends."""

    low: Scalar
    high: Scalar
    low_closed: bool
    high_closed: bool


class _NoRegion(ValueError):
    pass


def same_region(gold: Node, answer: Node) -> Outcome:
    """Compare two regions of the real line, their parts in any order, by their ends."""
    try:
        left, right = _region(gold), _region(answer)
    except (_NoRegion, Undefined) as error:
        return Outcome(False, str(error) or "no region")
    if len(left) != len(right):
        return Outcome(False, "another number of parts")
    for one, two in zip(left, right, strict=True):
        if (one.low_closed, one.high_closed) != (two.low_closed, two.high_closed):
            return Outcome(False, "open and closed ends")
        for end, other in ((one.low, two.low), (one.high, two.high)):
            outcome = scalars_equal(end, other)
            if not outcome.equal:
                return Outcome(outcome.equal, "an end differs")
    return Outcome(True, "same region")


def _region(node: Node) -> list[_Piece]:
    if isinstance(node, Joined):
        pieces = _pieces(node.parts[0])
        for operator, part in zip(node.operators, node.parts[1:], strict=True):
            other = _pieces(part)
            if operator == "cup":
                pieces = pieces + other
            elif operator == "minus":
                for point in other:
                    pieces = _without(pieces, point)
            else:
                raise _NoRegion("intersection")
        return _merged(pieces)
    return _merged(_pieces(node))


def _pieces(node: Node) -> list[_Piece]:
    if isinstance(node, Braces):
        return [_Piece(value, value, True, True) for value in map(_scalar, node.items)]
    if (
        isinstance(node, Bracket)
        and len(node.items) == 2
        and node.opening in "(["
        and node.closing in ")]"
    ):
        low, high = map(_scalar, node.items)
        return [_Piece(low, high, node.opening == "[", node.closing == "]")]
    raise _NoRegion("a region is expected")


def _scalar(node: Node) -> Scalar:
    if isinstance(node, Quantity):
        return node.value
    if isinstance(node, SCALARS):
        return node
    raise _NoRegion("an end is no number")


def _position(node: Scalar) -> float:
    sign = infinity_sign(node)
    if sign:
        return sign * float("inf")
    value = Evaluator({}, 30).value(node) if not _symbolic(node) else None
    if value is None or isinstance(value, complex) or not hasattr(value, "__float__"):
        raise _NoRegion("an end is no number")
    try:
        return float(value)
    except (TypeError, OverflowError):
        raise _NoRegion("an end is no number") from None


def _symbolic(node: Scalar) -> bool:
    from evalsvc.verification.equality.numeric import symbols  # noqa: PLC0415

    return bool(symbols(node))


def _without(pieces: list[_Piece], point: _Piece) -> list[_Piece]:
    if point.low != point.high:
        raise _NoRegion("difference of intervals")
    at = _position(point.low)
    left: list[_Piece] = []
    for piece in pieces:
        low, high = _position(piece.low), _position(piece.high)
        if low < at < high:
            left.append(replace(piece, high=point.low, high_closed=False))
            left.append(replace(piece, low=point.low, low_closed=False))
        elif at == low:
            left.append(replace(piece, low_closed=False))
        elif at == high:
            left.append(replace(piece, high_closed=False))
        else:
            left.append(piece)
    return left


def _merged(pieces: list[_Piece]) -> list[_Piece]:
    """In order from left to right, touching parts joined, empty ones dropped."""
    ordered = sorted(
        (piece for piece in pieces if _position(piece.low) <= _position(piece.high)),
        key=lambda piece: (_position(piece.low), not piece.low_closed),
    )
    merged: list[_Piece] = []
    for piece in ordered:
        last = merged[-1] if merged else None
        if last is not None and _touches(last, piece):
            if (_position(piece.high), piece.high_closed) > (
                _position(last.high),
                last.high_closed,
            ):
                merged[-1] = replace(last, high=piece.high, high_closed=piece.high_closed)
        else:
            merged.append(piece)
    return merged


def _touches(left: _Piece, right: _Piece) -> bool:
    end, start = _position(left.high), _position(right.low)
    return start < end or (start == end and (left.high_closed or right.low_closed))
