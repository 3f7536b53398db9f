"""Installs the torchvision hook into an environment, and checks whether images can be processed.

    python -m evalsvc.worker.vision_shim install | remove | check

The hook must also work in vLLM's child processes and in anything else that imports torchvision. So
it is a `.pth` file of the environment and not an import of ours. Only environments with torch's
CPU build need it. It adds a tenth of a millisecond to the start of Python (docs/vision.md).
"""

import argparse
import importlib.util
import py_compile
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from evalsvc.worker import torchvision_hook

IMPORT_SECONDS = 120
REMEDY = "pip install --no-deps torchvision==0.28.0 && python -m evalsvc.worker.vision_shim install"


def site_packages() -> Path:
    """The folder where this environment keeps its packages."""
    return Path(sysconfig.get_path("purelib"))


def install(folder: Path | None = None) -> Path:
    """Write the hook into an environment. Returns its `.pth` file. Can be repeated."""
    module, pth = _files(folder or site_packages())
    source = Path(torchvision_hook.__file__).read_text(encoding="utf-8")
    _write(module, source)
    py_compile.compile(str(module))  # not again at every start of Python
    _write(pth, f"import {torchvision_hook.MODULE}\n")
    return pth


def remove(folder: Path | None = None) -> None:
    """Remove the hook from an environment, the `.pth` file first."""
    module, pth = _files(folder or site_packages())
    for path in (pth, module, Path(importlib.util.cache_from_source(str(module)))):
        path.unlink(missing_ok=True)


def problem() -> str:
    """Why vision-language models cannot run in this environment. Empty if they can.

    Imports torchvision in a separate process: a failed import would affect this one.
    """
    if importlib.util.find_spec("torchvision") is None:
        return "torchvision is not installed; the processors of vision-language models need it."
    try:
        done = subprocess.run(
            [sys.executable, "-c", "import torchvision"],
            capture_output=True, text=True, timeout=IMPORT_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"torchvision could not be imported within {IMPORT_SECONDS} s."
    if done.returncode == 0:
        return ""
    last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
    return f"torchvision cannot be imported: {last[0]}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. `check` exits with 1 if images cannot be processed."""
    parser = argparse.ArgumentParser(prog="python -m evalsvc.worker.vision_shim")
    parser.add_argument("what", choices=["install", "remove", "check"])
    what = parser.parse_args(arguments).what
    if what == "install":
        print(f"Installed the torchvision hook: {install()}")
    elif what == "remove":
        remove()
    elif found := problem():
        print(f"error: {found}\n  {REMEDY}", file=sys.stderr)
        return 1
    return 0


def _files(folder: Path) -> tuple[Path, Path]:
    return folder / f"{torchvision_hook.MODULE}.py", folder / f"{torchvision_hook.MODULE}.pth"


def _write(path: Path, text: str) -> None:
    """Write a temporary file, then rename it: another Python may be starting."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


if __name__ == "__main__":
    sys.exit(main())
