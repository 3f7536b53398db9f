"""The kind of machine, as far as the installation depends on it."""

import shutil


def engine_extra() -> str:
    """The extra that installs the engine: `gpu` where NVIDIA's driver is installed, else `cpu`."""
    return "gpu" if shutil.which("nvidia-smi") else "cpu"
