"""What vLLM's own processes do for us: digests of the weights that they really compute with.

vLLM mixes this class into its worker (`worker_extension_cls`). On the CPU it packs the weights of
linear layers into opaque buffers and leaves empty parameters behind, of which a digest of the
parameters sees nothing; such a layer is therefore digested by what it does to a fixed input.
"""

from typing import Any

PROBE_ROWS = 4


class WeightDigests:
    """Mixed into vLLM's worker; `self` is that worker."""

    def evalsvc_weight_digests(self) -> dict[str, str]:
        """By name: the digest of each parameter's bytes, or of a packed layer's output."""
        import torch

        from evalsvc.worker.engines.tensor_digest import named_tensors, tensor_digest

        model: Any = self.model_runner.get_model()  # type: ignore[attr-defined]
        with torch.inference_mode():
            digests = {
                part: tensor_digest(held)
                for name, parameter in model.named_parameters()
                for part, held in named_tensors(name, parameter)
            }
            for name, layer in model.named_modules():
                if is_packed(layer):
                    digests[f"{name}.weight"] = probe(layer)
        return digests


def is_packed(layer: Any) -> bool:
    """Whether the layer computes with weights that are no longer among its parameters."""
    weight = getattr(layer, "weight", None)
    return hasattr(layer, "cpu_linear") and weight is not None and weight.numel() == 0


def probe(layer: Any) -> str:
    """Digest of a packed linear layer's output for a fixed input."""
    import torch

    from evalsvc.worker.engines.tensor_digest import tensor_digest

    width = layer.input_size_per_partition
    generator = torch.Generator().manual_seed(width)
    rows = torch.randn(PROBE_ROWS, width, generator=generator).to(layer.weight.dtype)
    output = layer.cpu_linear(rows, layer.weight, None)
    return tensor_digest(output)
