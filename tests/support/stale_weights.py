"""A worker extension for vLLM that can leave one layer's weights stale at a reload, as a fault."""

from typing import Any

from evalsvc.worker.engines.vllm_extension import WeightProof

EXTENSION = "tests.support.stale_weights.StaleWeights"


class StaleWeights(WeightProof):
    """Reloads like the real one, and then puts one layer's former weights back."""

    stale: tuple[str, str] | None = None

    def list_places(self) -> list[tuple[str, str]]:
        """Each layer's packed copy, and each parameter that is still there: (layer, what)."""
        model: Any = self.model_runner.get_model()  # type: ignore[attr-defined]
        found = []
        for name, module in model.named_modules():
            if hasattr(module, "cpu_linear"):
                found.append((name, "cpu_linear"))
            found += [
                (name, n) for n, p in module._parameters.items() if p is not None and p.numel()
            ]
        return found

    def leave_stale(self, layer: str | None, what: str) -> None:
        """From the next reload on; None for a sound engine."""
        self.stale = None if layer is None else (layer, what)

    def evalsvc_reload(self, folder: str) -> None:
        if self.stale is None:
            return super().evalsvc_reload(folder)
        layer, what = self.stale
        module: Any = self.model_runner.get_model().get_submodule(layer)  # type: ignore[attr-defined]
        former = getattr(module, what)
        kept = former if what == "cpu_linear" else former.data.clone()
        super().evalsvc_reload(folder)
        if what == "cpu_linear":
            module.cpu_linear = kept
        else:
            getattr(module, what).data.copy_(kept)
        return None
