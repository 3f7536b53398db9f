"""The expected contents of the engine's layers: a checkpoint's tensors, read again from its files.

vLLM fuses, renames and shards tensors when it loads them, differently for each model. So the files
are passed to the model's own `load_weights` again, with empty blanks in place of the model's
tensors. All writes go into copies filled with NaN, so anything that the checkpoint did not write is
found. A layer is handed out as soon as it is complete, and its copies are then freed: there is
never a second model in memory. The engine's own tensors are not touched.

Uses vLLM's records for reloading (`model_loader.reload`), which describe each tensor before vLLM
packed or transformed it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

Tensors = dict[str, torch.Tensor]
OnLayer = Callable[[str, Any, Tensors], None]  # name, module, what its tensors should be


@dataclass
class Reading:
    """How the tensors of the files were used."""

    unwritten: list[str] = field(default_factory=list)  # parameters of the engine
    unused: list[str] = field(default_factory=list)  # tensors of the files
    not_finite: list[str] = field(default_factory=list)  # tensors of the files
    unclear: list[str] = field(default_factory=list)  # written twice, or in a way not seen here


def read_expected(
    model: Any, tensors: Iterable[tuple[str, torch.Tensor]], device: torch.device, on_layer: OnLayer
) -> Reading:
    """Read `tensors` (of the files) as `model` reads them; `on_layer` gets each complete layer.

    During that call the module has its own tensors, so it can be run. Layers that share a tensor
    (a tied head) are handed out with it.
    """
    reader = _Reader(model, device, on_layer)
    with reader.standing_in():
        loaded = model.load_weights(reader.watched(tensors))
        reader.finish(loaded or set())
    return reader.reading


@dataclass
class _Layer:
    """One module, its own tensors, the blanks for them, and the copies written so far."""

    name: str
    module: Any
    parameters: dict[str, Any]
    buffers: dict[str, Any]
    blank_parameters: Tensors  # without memory
    blank_buffers: Tensors
    copies: Tensors = field(default_factory=dict)
    elements: int = 0  # written so far; overlaps count twice
    done: bool = False

    def full_name(self, tensor: str) -> str:
        return f"{self.name}.{tensor}".lstrip(".")

    def use_own(self) -> None:
        _replace(self.module._parameters, self.parameters)
        _replace(self.module._buffers, self.buffers)

    def use_blank(self) -> None:
        absent = {name: None for name, held in self.parameters.items() if held is None}
        _replace(self.module._parameters, absent | self.blank_parameters)
        absent = {name: None for name, held in self.buffers.items() if held is None}
        _replace(self.module._buffers, absent | self.blank_buffers)

    @property
    def looks_complete(self) -> bool:
        """A cheap test before every element is checked. An embedding's padding is not counted."""
        if hasattr(self.module, "shard_indices"):
            return self.blank_parameters.keys() <= self.copies.keys()
        total: int = sum(blank.numel() for blank in self.blank_parameters.values())
        return self.elements >= total

    def holes(self) -> list[str]:
        """Parameters that the checkpoint did not write completely."""
        return [
            name
            for name, blank in self.blank_parameters.items()
            if blank.numel() > 0 and (name not in self.copies or _has_holes(self.copies[name]))
        ]


class _Reader:
    def __init__(self, model: Any, device: torch.device, on_layer: OnLayer) -> None:
        self.reading = Reading()
        self._device = device
        self._on_layer = on_layer
        self._names: list[str] = []  # of the files' tensors
        self._used: set[str] = set()
        self._sources: dict[int, str] = {}  # by address, the file's tensor
        self._layers = [self._layer(name, module) for name, module in model.named_modules()]
        self._holders: dict[int, list[tuple[_Layer, str]]] = {}  # by parameter: its layers
        for layer in self._layers:
            for name, held in layer.parameters.items():
                if held is not None and held.numel() > 0:
                    self._holders.setdefault(id(held), []).append((layer, name))

    @contextmanager
    def standing_in(self) -> Iterator[None]:
        try:
            for layer in self._layers:
                layer.use_blank()
            yield
        finally:
            for layer in self._layers:
                layer.use_own()

    def watched(
        self, tensors: Iterable[tuple[str, torch.Tensor]]
    ) -> Iterator[tuple[str, torch.Tensor]]:
        """Pass the tensors through; record their names, and which hold NaN or infinity."""
        for name, tensor in tensors:
            if tensor.is_floating_point() and not all_finite(tensor):
                self.reading.not_finite.append(name)
            self._names.append(name)
            self._sources[tensor.untyped_storage().data_ptr()] = name
            yield name, tensor

    def finish(self, loaded: set[str]) -> None:
        """After the last tensor: report what is incomplete and what was never used.

        Layers with other padding are recognised as complete only now.
        """
        for layer in self._layers:
            if layer.copies and not layer.done and not layer.holes():
                self._complete(layer)
            buffers = {n: c for n, c in layer.copies.items() if n in layer.blank_buffers}
            if buffers:
                self._show(layer, buffers)
        for layer in self._layers:
            if not layer.done and must_be_written(layer.module):
                self._note_holes(layer, loaded)
        self.reading.unused = [name for name in self._names if name not in self._used]

    def _note_holes(self, layer: _Layer, loaded: set[str]) -> None:
        """Record incomplete parameters. A tied one is written under its other name."""
        for name in layer.holes():
            holders = self._holders.get(id(layer.parameters.get(name)), [])
            if any(other.done for other, _ in holders):
                continue
            copied_unseen = layer.full_name(name) in loaded and name not in layer.copies
            found = self.reading.unclear if copied_unseen else self.reading.unwritten
            found.append(layer.full_name(name))

    def _layer(self, name: str, module: Any) -> _Layer:
        """The module with blanks for its tensors as they were before vLLM transformed them."""
        from vllm.model_executor.model_loader.reload.layerwise import LAYERWISE_INFO

        info = LAYERWISE_INFO.get(module)
        parameters, buffers = info.restore_metadata if info is not None else ({}, {})
        layer = _Layer(
            name,
            module,
            parameters=dict(module._parameters),
            buffers=dict(module._buffers),
            blank_parameters=_blanks(module, module._parameters, parameters),
            blank_buffers=_blanks(module, module._buffers, buffers),
        )
        for tensor, blank in (layer.blank_parameters | layer.blank_buffers).items():
            blank.weight_loader = self._recorder(layer, tensor, blank)
        return layer

    def _recorder(self, layer: _Layer, name: str, blank: torch.Tensor) -> Callable[..., Any]:
        """The blank's weight loader, changed to write into the layer's copy."""
        from vllm.model_executor.model_loader.reload.layerwise import _get_original_loader
        from vllm.model_executor.model_loader.reload.meta import CopyCounter

        original = _get_original_loader(blank)

        def load(param: Any, loaded_weight: torch.Tensor, *rest: Any, **named: Any) -> Any:
            address = loaded_weight.untyped_storage().data_ptr()
            self._used.add(self._sources.get(address, self._names[-1]))
            if layer.done and name in layer.blank_parameters:
                self.reading.unclear.append(layer.full_name(name))
                return None
            if name not in layer.copies:
                layer.copies[name] = _filled(blank, self._device)
            with CopyCounter() as counter:
                found = original(layer.copies[name], loaded_weight, *rest, **named)
            if name in layer.blank_parameters:
                layer.elements += counter.copied_numel
                if layer.looks_complete and not layer.holes():
                    self._complete(layer)
            return found

        return load

    def _complete(self, layer: _Layer) -> None:
        """Hand out the layer and those that share one of its tensors, then free its copies."""
        layer.done = True
        expected = {n: layer.copies.pop(n) for n in layer.blank_parameters if n in layer.copies}
        self._show(layer, expected)
        for name, value in expected.items():
            for other, its_name in self._holders.get(id(layer.parameters.get(name)), []):
                if other is not layer and not other.copies:
                    self._show(other, {its_name: value})

    def _show(self, layer: _Layer, expected: Tensors) -> None:
        layer.use_own()
        try:
            self._on_layer(layer.name, layer.module, expected)
        finally:
            layer.use_blank()


def must_be_written(module: Any) -> bool:
    """Whether every parameter of the module comes from the files; not so with quantisation."""
    method = getattr(module, "quant_method", None)
    return method is None or type(method).__name__.startswith("Unquantized")


def all_finite(tensor: torch.Tensor) -> bool:
    """Whether no element is NaN or infinite; also for types without torch's own test."""
    if tensor.element_size() == 1:
        tensor = tensor.to(torch.float32)
    return bool(torch.isfinite(tensor).all())


def _has_holes(copy: torch.Tensor) -> bool:
    return copy.is_floating_point() and bool(torch.isnan(copy.data).any())


def _blanks(module: Any, present: Mapping[str, Any], recorded: Tensors) -> Tensors:
    """Blanks for the tensors that vLLM recorded and for later ones (biases)."""
    added = {name: tensor for name, tensor in present.items() if tensor is not None}
    return {name: _blank(tensor, module) for name, tensor in (added | recorded).items()}


def _blank(tensor: torch.Tensor, module: Any) -> torch.Tensor:
    """A tensor of the same class, shape and loader, without memory."""
    from vllm.model_executor.model_loader.reload.meta import to_meta_tensor
    from vllm.model_executor.model_loader.reload.sanitize import restore_layer_refs

    blank: torch.Tensor = restore_layer_refs(to_meta_tensor(tensor), module)
    return blank


def _filled(blank: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A copy with memory, filled with NaN (with 0 if its type has no NaN)."""
    from vllm.model_executor.model_loader.reload.meta import materialize_meta_tensor

    with device:
        copy: torch.Tensor = materialize_meta_tensor(blank)
    copy.data.fill_(torch.nan if copy.is_floating_point() else 0)
    return copy


def _replace(held: dict[str, Any], by: dict[str, Any]) -> None:
    held.clear()
    held.update(by)
