"""Code that runs in vLLM's own processes: reload all weights, and prove which ones are used.

vLLM mixes this class into its worker (`worker_extension_cls`); the results travel as plain data.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evalsvc.worker.engines.vllm_proof import Proof


class WeightProof:
    """Mixed into vLLM's worker; `self` is that worker."""

    _evalsvc_addresses: dict[str, int] | None = None

    def evalsvc_reload(self, folder: str) -> None:
        """Replace the weights by those in `folder`, and pack all packed modules again.

        vLLM packs only modules whose own tensors it found in the files. A tied head has none, and
        would still multiply by the packed copy of the former weights.
        """
        runner: Any = self.model_runner  # type: ignore[attr-defined]
        runner.reload_weights(weights_path=folder)
        pack_embeddings(runner.get_model())

    def evalsvc_prove(self, folder: str) -> Proof:
        """Compare what each layer computes with the tensors in the files of `folder`."""
        import torch

        from evalsvc.worker.engines.vllm_proof import moved, prove

        model: Any = self.model_runner.get_model()  # type: ignore[attr-defined]
        device: torch.device = self.device  # type: ignore[attr-defined]
        with torch.inference_mode():
            proof = prove(model, _file_tensors(Path(folder)), device)
        present = {name: held.data_ptr() for name, held in model.named_parameters()}
        if device.type == "cuda" and self._evalsvc_addresses is not None:
            # captured graphs still read the old addresses
            proof["different"] |= moved(self._evalsvc_addresses, present)
        self._evalsvc_addresses = self._evalsvc_addresses or present
        return proof


def pack_embeddings(model: Any) -> None:
    """Pack the embeddings and heads of `model` again, whether or not vLLM has done so."""
    from vllm.model_executor.layers.vocab_parallel_embedding import UnquantizedEmbeddingMethod

    for module in model.modules():
        method = getattr(module, "quant_method", None)
        if isinstance(method, UnquantizedEmbeddingMethod):
            method.process_weights_after_loading(module)


def _file_tensors(folder: Path) -> Iterator[tuple[str, Any]]:
    """The tensors of the files that were fingerprinted, read without vLLM."""
    from safetensors import safe_open

    from evalsvc.checkpoints import find_weights

    for path in find_weights(folder).files:
        with safe_open(path, framework="pt") as opened:
            for name in opened.keys():  # noqa: SIM118 - not a mapping
                yield name, opened.get_tensor(name)
