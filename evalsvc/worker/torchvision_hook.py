"""Makes torchvision importable with a different build of torch.

torchvision's wheel is built against torch's CUDA build. With the CPU build its operators (nms,
roi_align ...) do not load, and the import fails where it registers them with torch. Image
processors need none of them. So during that one import, registrations of missing operators are
skipped. With a matching torchvision nothing changes.

`evalsvc.worker.vision_shim` copies this file into an environment, where a `.pth` file imports it
whenever Python starts. It imports nothing of evalsvc, and nothing at all until torchvision is
imported.
"""

import sys

TYPE_CHECKING = False  # importing `typing` would cost more than the rest of this file
if TYPE_CHECKING:
    from typing import Any

PACKAGE = "torchvision"
MODULE = "evalsvc_torchvision_hook"  # the name of this file in an environment


class TorchvisionFinder:
    """First on `sys.meta_path`: finds torchvision as usual and wraps its import."""

    @staticmethod
    def find_spec(name: str, path: "Any" = None, target: "Any" = None) -> "Any":
        """The usual spec of torchvision with a wrapped loader; None for any other module."""
        if name != PACKAGE:
            return None
        from importlib.machinery import PathFinder  # noqa: PLC0415

        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = _wrapped(spec.loader.exec_module)  # type: ignore[method-assign]
        return spec


def _wrapped(exec_module: "Any") -> "Any":
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
