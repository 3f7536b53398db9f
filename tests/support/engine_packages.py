"""Distributions with engines or metrics, installed into a folder that is put on `sys.path`."""

import importlib
from pathlib import Path

ENGINE = """
from evalsvc.worker.engines.base import Completion, Engine, read_options


class ConstantEngine(Engine):
    name = "constant"
    reads_checkpoint = {reads}

    def __init__(self, options):
        self.text = read_options(self.name, options, {{"text": str}})["text"]

    async def start(self, checkpoint, max_tokens):
        pass

    async def swap(self, checkpoint):
        pass

    async def generate(self, request):
        return Completion(self.text, "stop", 1, 1)

    async def close(self):
        pass

    def info(self):
        return {{"engine": self.name, "device": "none"}}
"""


class Packages:
    """Installs distributions into a folder on `sys.path`."""

    def __init__(self, folder: Path, group: str = "evalsvc.engines") -> None:
        self.folder = folder
        self.group = group

    def install(self, package: str, source: str, **entries: str) -> None:
        """One module `package` and an entry point NAME -> `package:ATTRIBUTE` for each entry."""
        (self.folder / f"{package}.py").write_text(source)
        info = self.folder / f"{package}-1.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.5\n")
        lines = [f"{name} = {package}:{attribute}" for name, attribute in entries.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{self.group}]", *lines, ""]))
        importlib.invalidate_caches()
