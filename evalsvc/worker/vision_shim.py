"""Puts the torchvision hook into an environment, and says whether pictures can be read there.

    python -m evalsvc.worker.vision_shim install | remove | check

The hook has to act in vLLM's child processes and in whatever else imports torchvision, so it is a
`.pth` file of the environment and no import of ours. Only environments with torch's CPU build need
it. Starting Python costs a tenth of a millisecond more with it (measured: docs/vision.md).
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
    """Where this environment keeps its packages."""
    return Path(sysconfig.get_path("purelib"))


def install(folder: Path | None = None) -> Path:
    """Write the hook into an environment; returns its `.pth` file. Repeating it is harmless."""
    module, pth = _files(folder or site_packages())
    source = Path(torchvision_hook.__file__).read_text(encoding="utf-8")
    _write(module, source)
    py_compile.compile(str(module))  # at each start of Python it would cost more than all the rest
    _write(pth, f"import {torchvision_hook.MODULE}\n")
    return pth


def remove(folder: Path | None = None) -> None:
    """Take the hook out of an environment again, the `.pth` file first."""
    module, pth = _files(folder or site_packages())
    for path in (pth, module, Path(importlib.util.cache_from_source(str(module)))):
        path.unlink(missing_ok=True)


def problem() -> str:
    """Why models that see cannot run in this environment; empty when they can.

    Imports torchvision in a process of its own: a failed import would stay with this one.
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
    """The command. `check` ends with 1 when pictures cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m evalsvc.worker.vision_shim")
    parser.add_argument("what", choices=["install", "remove", "check"])
    what = parser.parse_args(arguments).what
    if what == "install":
        print(f"The torchvision hook is in place: {install()}")
    elif what == "remove":
        remove()
    elif found := problem():
        print(f"error: {found}\n  {REMEDY}", file=sys.stderr)
        return 1
    return 0


def _files(folder: Path) -> tuple[Path, Path]:
    return folder / f"{torchvision_hook.MODULE}.py", folder / f"{torchvision_hook.MODULE}.pth"


def _write(path: Path, text: str) -> None:
    """Aside, then renamed: another Python may be starting."""
    aside = path.with_name(f".{path.name}.new")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)


if __name__ == "__main__":
    sys.exit(main())
