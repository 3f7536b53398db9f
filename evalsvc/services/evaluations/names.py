"""Filters that name a run, a method or a benchmark: an unknown name is an error.

An empty list would suggest that there are no results, where only the name is wrong.
"""

import difflib
from collections.abc import Iterable

from evalsvc.catalogue import Catalogue, CatalogueError
from evalsvc.errors import NotFound
from evalsvc.store.database import Session
from evalsvc.store.repositories import revisions, runs


def check_names(
    session: Session,
    catalogue: Catalogue,
    *,
    run: str | None = None,
    method: str | None = None,
    benchmark: str | None = None,
) -> None:
    """Raise NotFound with the nearest names for an unknown one."""
    if run is not None:
        runs.get(session, run)
    if method is not None and method not in (methods := runs.methods(session)):
        raise NotFound(f"There is no run of the method {method!r}.", _near(method, methods))
    if benchmark is not None and not _is_benchmark(session, catalogue, benchmark):
        known = {*revisions.names(session), *catalogue.names()}
        raise NotFound(f"There is no benchmark {benchmark!r}.", _near(benchmark, known))


def _is_benchmark(session: Session, catalogue: Catalogue, name: str) -> bool:
    if name in revisions.names(session):
        return True
    try:
        catalogue.get(name)
    except CatalogueError:
        return False
    return True


def _near(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.5)
    return f"Did you mean {' or '.join(map(repr, found))}?" if found else "See `evalsvc results`."
