"""Unknown properties of imported evaluations, for the sentence of a comparison."""

from evalsvc.imports import COUNTS_ENGINE
from evalsvc.services.importing.protocols import UNKNOWN_PROTOCOL
from evalsvc.store.models import Evaluation


def unknown_of(row: Evaluation, name: str) -> list[str]:
    """Sentences on how the samples were drawn and judged; none where both are known."""
    found = []
    if row.protocol.get("name") == UNKNOWN_PROTOCOL:
        found.append(
            f"How the samples of {name} were drawn is not known (temperature, top-p, token limit, "
            "prompt, shots)."
        )
    if row.engine == COUNTS_ENGINE:
        found.append(f"{name} was imported as counts: which verifier judged it is not known.")
    return found
