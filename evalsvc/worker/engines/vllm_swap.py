"""Swap vLLM's weights in place, and prove which weights are in use.

vLLM only warns about tensors that it did not find. It keeps packed copies of weights, which a
reload may leave stale, and several caches that depend on the weights (docs/decisions/0506).
Therefore, with nothing in flight:

- every module that packs its weights packs them again, and every cache is emptied;
- every layer must be shown to multiply by the tensors of the files;
- an engine with a layer that cannot be checked (a quantised one) never swaps.
"""

import asyncio
import logging
from pathlib import Path
from typing import Any

from evalsvc.checkpoints import find_weights
from evalsvc.errors import EngineError
from evalsvc.specs import CheckpointSpec
from evalsvc.worker.engines.base import SwapFailed
from evalsvc.worker.engines.loaded_weights import diverged, incomplete, named
from evalsvc.worker.engines.vllm_proof import Proof, merge

RESET_ATTEMPTS = 50
RESET_PAUSE_SECONDS = 0.1
MOST_REASONS = 3
IN_DOUBT = "The engine is restarted with the new checkpoint."

log = logging.getLogger(__name__)


class Swapper:
    """Proves and swaps the weights of one AsyncLLM."""

    def __init__(self, llm: Any) -> None:
        self._llm = llm
        self._hindrance = "its weights were never proved"  # why this engine cannot swap
        self.proof: Proof | None = None  # of the weights that are loaded

    async def prove_start(self, checkpoint: CheckpointSpec) -> None:
        """Prove a cold start. Raises CheckpointError if the files did not give all weights.

        A layer that cannot be compared (vLLM transforms it, or no memory is left) is no error: it
        is recorded, and this engine will not swap. A layer that differs is an EngineError.
        """
        if checkpoint_is_pickled(checkpoint):
            self._hindrance = "its weights are pickled, and cannot be compared"
            return
        try:
            self.proof = await self._prove(checkpoint)
        except Exception as error:  # vLLM passes on any error of its parts; but it has loaded
            log.exception("the weights could not be compared with the files")
            self._hindrance = f"comparing failed with {type(error).__name__}: {error}"
            return
        if self.proof["not_finite"]:
            raise diverged(checkpoint, self.proof["not_finite"])
        if self.proof["unwritten"]:
            raise incomplete(checkpoint, self.proof["unwritten"])
        if self.proof["different"]:
            raise EngineError(
                f"vLLM loaded other weights than those in {checkpoint.path}: "
                f"{hindrance(self.proof)}.",
                "Report it with the versions in the log; engine `transformers` may do.",
            )
        self._hindrance = hindrance(self.proof)
        if self._hindrance:
            log.warning("this engine will not swap weights in place: %s", self._hindrance)
        else:
            log.info("%d layers compute with the tensors of the files", self.proof["layers"])

    async def swap(self, new: CheckpointSpec) -> None:
        """Swap to `new`, of equal architecture. After an error the weights are unknown.

        Raises CheckpointError if the files hold NaN: a restart would not help.
        """
        if self._hindrance:
            raise SwapFailed(f"This engine cannot swap: {self._hindrance}.", IN_DOUBT)
        try:
            await self._llm.collective_rpc("evalsvc_reload", args=(new.path,))
            await self._empty_caches()
            self.proof = await self._prove(new)
        except SwapFailed:
            raise
        except Exception as error:  # vLLM raises whatever its parts raise
            raise SwapFailed(
                f"vLLM could not take over {new.path}: {type(error).__name__}: {error}.", IN_DOUBT
            ) from error
        if self.proof["not_finite"]:
            raise diverged(new, self.proof["not_finite"])
        if found := hindrance(self.proof):
            raise SwapFailed(f"The weights are not those of {new.path}: {found}.", IN_DOUBT)
        log.info("%d layers compute with the tensors of the files", self.proof["layers"])

    def provenance(self) -> dict[str, Any]:
        """What is known about the weights, for readers of the result."""
        if self.proof is None:
            return {"weights_proved": False, "weights_unproved": self._hindrance}
        found = hindrance(self.proof)
        return {"weights_proved": not found} | ({"weights_unproved": found} if found else {})

    async def _prove(self, checkpoint: CheckpointSpec) -> Proof:
        return merge(await self._llm.collective_rpc("evalsvc_prove", args=(checkpoint.path,)))

    async def _empty_caches(self) -> None:
        await self._llm.reset_mm_cache()
        await self._llm.reset_encoder_cache()
        for _ in range(RESET_ATTEMPTS):
            if await self._llm.reset_prefix_cache():
                return
            await asyncio.sleep(RESET_PAUSE_SECONDS)
        raise SwapFailed("The prefix cache could not be emptied.", IN_DOUBT)


def hindrance(proof: Proof) -> str:
    """Why these weights are not proved; "" if they are."""
    reasons = [f"{layer} {what}" for layer, what in sorted(proof["different"].items())]
    if proof["unwritten"]:
        reasons.append(f"nothing was written to {named(proof['unwritten'])}")
    reasons += [f"{layer}: {why}" for layer, why in sorted(proof["unproved"].items())]
    if proof["unused"]:
        reasons.append(f"the files' {named(proof['unused'])} is used by no layer")
    more = len(reasons) - MOST_REASONS
    return "; ".join(reasons[:MOST_REASONS]) + (f" and {more} more" if more > 0 else "")


def checkpoint_is_pickled(checkpoint: CheckpointSpec) -> bool:
    """Whether its weights are in files that can only be read by unpickling."""
    return find_weights(Path(checkpoint.path), allow_pickle=True).pickled
