"""Lets torchvision be imported beside another build of torch; the source of a module of its own.

torchvision's wheel is built against torch's CUDA build. Beside the CPU build its operators (nms,
roi_align ...) do not load, and its import then fails where it describes them to torch. What image
processors use of it needs none of them: so during that one import, descriptions of operators that
are not there are passed over. With a torchvision that fits, nothing is changed.

`evalsvc.worker.vision_shim` copies this file into an environment, where a `.pth` file imports it at
every start of Python: it imports nothing of evalsvc, and nothing at all until torchvision is
looked for.
"""

import sys

TYPE_CHECKING = False  # `typing` alone would cost each start of Python more than all of this
if TYPE_CHECKING:
    from typing import Any

PACKAGE = "torchvision"
MODULE = "evalsvc_torchvision_hook"  # what this file is called in an environment


class TorchvisionFinder:
    """The first on `sys.meta_path`; finds torchvision where it lies and attends its import."""

    @staticmethod
    def find_spec(name: str, path: "Any" = None, target: "Any" = None) -> "Any":
        """The usual spec of torchvision with a loader that helps; None for any other module."""
        if name != PACKAGE:
            return None
        from importlib.machinery import PathFinder  # noqa: PLC0415

        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = _attended(spec.loader.exec_module)  # type: ignore[method-assign]
        return spec


def _attended(exec_module: "Any") -> "Any":
    def run(module: "Any") -> None:
        import torch.library  # noqa: PLC0415

        original = torch.library.register_fake

        def register_fake(op: "Any", *arguments: "Any", **options: "Any") -> "Any":
            if isinstance(op, str) and _is_absent(op):
                return lambda function: function
            return original(op, *arguments, **options)

        torch.library.register_fake = register_fake
        try:
            exec_module(module)
        finally:
            torch.library.register_fake = original

    return run


def _is_absent(op: str) -> bool:
    import torch  # noqa: PLC0415

    package, _, name = op.partition("::")
    return package == PACKAGE and not hasattr(torch.ops.torchvision, name)


if __name__ == MODULE and TorchvisionFinder not in sys.meta_path:
    sys.meta_path.insert(0, TorchvisionFinder)
