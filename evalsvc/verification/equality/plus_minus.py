"""Scalars with two values: one `\\pm` in them, as in `\\frac{1 \\pm \\sqrt{5}}{2}`."""

from evalsvc.verification.grammar.tree import SCALARS, Braces, Listing, Node, Operation, Scalar


def has_two_values(node: Node) -> bool:
    """Whether a node has two values. With two signs it is unclear whether they go together."""
    return isinstance(node, SCALARS) and _signs(node) == 1


def items_of(node: Node) -> list[Node]:
    """The items of a list or set, or the node itself, with each such scalar as its two values."""
    nodes = node.items if isinstance(node, Listing | Braces) else (node,)
    items: list[Node] = []
    for item in nodes:
        if isinstance(item, SCALARS) and has_two_values(item):
            items += [_with_sign(item, 1), _with_sign(item, -1)]
        else:
            items.append(item)
    return items


def _signs(node: Scalar) -> int:
    if not isinstance(node, Operation):
        return 0
    return (node.op == "pm") + sum(_signs(argument) for argument in node.args)


def _with_sign(node: Scalar, sign: int) -> Scalar:
    if not isinstance(node, Operation):
        return node
    arguments = tuple(_with_sign(argument, sign) for argument in node.args)
    if node.op != "pm":
        return Operation(node.op, arguments, node.label)
    centre, distance = arguments
    return Operation("+", (centre, distance if sign > 0 else Operation("neg", (distance,))))
