"""Doubts about figures, from the stored provenance."""

from collections.abc import Mapping
from typing import Any

PROVED_SINCE = "0.2.0"  # since this version every swap is verified layer by layer and recorded


def weight_doubts(provenance: Mapping[str, Any]) -> tuple[str, ...]:
    """Why the weights behind a result may not be the checkpoint's; empty where there is no doubt.

    Before swaps were verified, a swap on a CPU left a tied head with the weights of the cold start.
    A provenance does not say whether the head is tied, so every such swap is in doubt.
    """
    engine = provenance.get("engine")
    if not isinstance(engine, Mapping) or engine.get("engine") != "vllm":
        return ()
    on_cpu = str(engine.get("device", "")).startswith("cpu")
    if provenance.get("weights") == "swapped" and on_cpu and "weights_proved" not in engine:
        return (
            f"Made by a swap on a CPU before version {PROVED_SINCE}: if the model's head is tied "
            "to its embedding, other weights were used for it. Evaluate again.",
        )
    if engine.get("weights_proved") is False:
        why = engine.get("weights_unproved") or "no reason was recorded"
        return (f"The engine's weights could not be compared with the files: {why}.",)
    return ()
