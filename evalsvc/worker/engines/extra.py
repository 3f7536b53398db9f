"""What kind of machine this is, as far as the installation depends on it."""

import shutil


def engine_extra() -> str:
    """The extra that brings the engine: `gpu` where NVIDIA's driver is installed, else `cpu`."""
    return "gpu" if shutil.which("nvidia-smi") else "cpu"
