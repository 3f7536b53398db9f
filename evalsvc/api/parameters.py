"""Parameters of a query: only those that the route knows, repeated only where it allows that.

If a misspelt filter were ignored, the answer would hold the figures of other runs.
"""

import difflib
from collections.abc import Collection, Iterable

from fastapi import Request
from fastapi.dependencies.utils import get_flat_dependant
from fastapi.routing import APIRoute

from evalsvc.errors import ParameterError

REDIRECT = 307


def only_known_parameters(request: Request) -> None:
    """A dependency of every API route. Raises ParameterError."""
    route = request.scope["route"]
    if not isinstance(route, APIRoute) or route.status_code == REDIRECT:
        return  # the target of the redirect checks them
    fields = get_flat_dependant(route.dependant).query_params
    several = {field.alias for field in fields if "list[" in str(field.field_info.annotation)}
    refuse_others(request.query_params.multi_items(), {f.alias for f in fields}, several)


def refuse_others(
    given: Iterable[tuple[str, str]], known: Collection[str], several: Collection[str]
) -> None:
    """Refuse names that are not `known`, and repeated ones that are not in `several`."""
    met: set[str] = set()
    for name, _ in given:
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), n=1)
            meant = f"Did you mean {near[0]!r}? " if near else ""
            names = f"Known: {', '.join(sorted(known))}." if known else "None is known here."
            raise ParameterError(f"There is no parameter {name[:60]!r}.", f"{meant}{names}")
        if name in met and name not in several:
            raise ParameterError(
                f"The parameter {name!r} is given more than once.", "Give one value."
            )
        met.add(name)
