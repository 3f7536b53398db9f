"""Entrywise arithmetic of matrices of scalars, for matrix expressions in answers."""

from itertools import permutations

from evalsvc.verification.grammar.normalise import Unreadable
from evalsvc.verification.grammar.tree import SCALARS, Matrix, Node, Operation, Scalar
from evalsvc.verification.limits import MATRIX_ENTRIES, LimitExceeded

_DETERMINANT_ROWS = 4


def scaled(matrix: Matrix, factor: Scalar) -> Matrix:
    """Every entry times a factor."""
    rows = _entries(matrix)
    return Matrix(tuple(tuple(Operation("*", (factor, entry)) for entry in row) for row in rows))


def added(terms: list[Matrix]) -> Matrix:
    """The sum of matrices of one shape."""
    grids = [_entries(term) for term in terms]
    shapes = {(len(grid), len(grid[0])) for grid in grids}
    if len(shapes) != 1:
        raise Unreadable("a sum of matrices of different shapes")
    return Matrix(
        tuple(
            tuple(Operation("+", entries) for entries in zip(*rows, strict=True))
            for rows in zip(*grids, strict=True)
        )
    )


def multiplied(left: Matrix, right: Matrix) -> Matrix:
    """The product of two matrices."""
    one, two = _entries(left), _entries(right)
    if len(one[0]) != len(two):
        raise Unreadable("a product of matrices that do not fit")
    if len(one) * len(two) * len(two[0]) > MATRIX_ENTRIES:
        raise LimitExceeded("size of a product of matrices")
    columns = list(zip(*two, strict=True))
    return Matrix(tuple(tuple(_dot(row, column) for column in columns) for row in one))


def transposed(matrix: Matrix) -> Matrix:
    """Rows as columns."""
    return Matrix(tuple(zip(*matrix.rows, strict=True)))


def determinant(matrix: Matrix) -> Scalar:
    """The determinant of a small square matrix, by its definition."""
    rows = _entries(matrix)
    size = len(rows)
    if size != len(rows[0]) or size > _DETERMINANT_ROWS:
        raise Unreadable("determinant")
    terms: list[Scalar] = []
    for order in permutations(range(size)):
        product = Operation("*", tuple(rows[i][order[i]] for i in range(size)))
        swaps = sum(order[i] > order[j] for i in range(size) for j in range(i + 1, size))
        terms.append(Operation("neg", (product,)) if swaps % 2 else product)
    return Operation("+", tuple(terms))


def _dot(row: tuple[Scalar, ...], column: tuple[Scalar, ...]) -> Scalar:
    return Operation("+", tuple(Operation("*", pair) for pair in zip(row, column, strict=True)))


def _entries(matrix: Matrix) -> tuple[tuple[Scalar, ...], ...]:
    return tuple(tuple(_scalar(entry) for entry in row) for row in matrix.rows)


def _scalar(node: Node) -> Scalar:
    if not isinstance(node, SCALARS):
        raise Unreadable("arithmetic with a structure")
    return node
