"""What kind of machine this is: what can be installed on it, how its memory is handed out."""

import ctypes
import os
import shutil

M_ARENA_MAX = -8  # of glibc's mallopt
ARENAS = 2


def engine_extra() -> str:
    """The extra that brings the engine: `gpu` where NVIDIA's driver is installed, else `cpu`."""
    return "gpu" if shutil.which("nvidia-smi") else "cpu"


def share_arenas() -> None:
    """Have the threads of this process share two of glibc's heaps, unless its user chose a number.

    By default every thread may have its own, and what one has freed no other uses: 35 of the 295 MB
    of a server with a hundred large evaluations. To be called before threads start; other C
    libraries have no such call and are left as they are.
    """
    if "MALLOC_ARENA_MAX" not in os.environ:
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(M_ARENA_MAX, ARENAS)
