"""Compute slow figures once after the server has started, before the first visit.

Counts and intervals are kept in memory by version (see `memo`); with a hundred large evaluations
reading them takes seconds, so a background thread does it.
"""

from evalsvc.api.state import State
from evalsvc.server.limits import MAX_READ_AHEAD
from evalsvc.services.evaluations.views import metrics_of
from evalsvc.store.repositories import evaluations
from evalsvc.store.repositories.evaluations import EvaluationFilter


def warm(state: State) -> None:
    """Compute pass@1 and pass@(largest k) of the newest evaluations; ends early with the server."""
    with state.database.read() as session:
        rows = evaluations.matching(session, EvaluationFilter())
        ids = list(dict.fromkeys(row.id for row in rows if row.samples_seen))[:MAX_READ_AHEAD]
    for name in ids:
        if state.stopping.is_set():
            return
        with state.database.read() as session:  # one short snapshot each
            row = evaluations.get(session, name)
            largest = max((int(k) for k in row.protocol.get("ks", [])), default=1)
            metrics_of(session, state.memo, row, [1])
            metrics_of(session, state.memo, row, sorted({1, largest}))
