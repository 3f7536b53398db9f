"""Finding and reading benchmark folders: YAML in, a validated `Benchmark` out.

The bundled catalogue is looked up in an installed package first, then at the root of a checkout.
"""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from evalsvc.catalogue.errors import CatalogueError
from evalsvc.catalogue.model import Benchmark

FILE = "benchmark.yaml"


def bundled_folder() -> Path:
    """The catalogue that ships with evalsvc."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_benchmarks", package.parent / "benchmarks"):
        if folder.is_dir():
            return folder
    raise CatalogueError(
        "The catalogue of benchmarks is not part of this installation.",
        "Install evalsvc from its wheel, or run it from a checkout that has benchmarks/.",
    )


def benchmark_folders(catalogue: Path) -> dict[str, Path]:
    """Name -> folder, for a folder of benchmark folders or for one benchmark folder itself."""
    if (catalogue / FILE).is_file():
        return {catalogue.name: catalogue}
    if not catalogue.is_dir():
        raise CatalogueError(
            f"The benchmark folder {catalogue} does not exist.",
            "Correct EVALSVC_BENCHMARKS (folders separated by the path separator).",
        )
    return {f.name: f for f in sorted(catalogue.iterdir()) if (f / FILE).is_file()}


class _Loader(yaml.SafeLoader):
    """Safe loader that refuses duplicate keys: YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        seen: set[str] = set()
        for key in keys:
            if key.value in seen:
                message = f"the key {key.value!r} stands there twice"
                raise yaml.constructor.ConstructorError(None, None, message, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; safe loading only. CatalogueError when it is not YAML."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise CatalogueError(f"{path} cannot be read: {error}", "Mend that file.") from error


def read_benchmark(folder: Path) -> Benchmark:
    """The benchmark described in `folder`. CatalogueError names every mistake by its key."""
    content = read_yaml(folder / FILE)
    if not isinstance(content, dict):
        raise CatalogueError(
            f"{folder / FILE} must be a mapping of keys.", "See docs/benchmarks.md."
        )
    if ours := {"folder", "part"} & content.keys():
        raise CatalogueError(
            f"{folder / FILE} is not usable: {min(ours)}: is not a key that is known here."
        )
    try:
        benchmark = Benchmark.model_validate({**content, "folder": folder})
    except ValidationError as error:
        raise CatalogueError(
            f"{folder / FILE} is not usable: {'; '.join(mistakes(error))}.",
            "docs/benchmarks.md explains every key.",
        ) from error
    if benchmark.name != folder.name:
        raise CatalogueError(
            f"{folder / FILE} says name: {benchmark.name}, but its folder is called {folder.name}.",
            "A copied benchmark needs a name of its own: make the two agree.",
        )
    return benchmark


def mistakes(error: ValidationError) -> list[str]:
    """Each mistake as `key.key: what is wrong`, in plain words."""
    messages = {"missing": "is missing", "extra_forbidden": "is not a key that is known here"}
    found = []
    for item in error.errors():
        key = ".".join(str(step) for step in item["loc"]) or "the file"
        found.append(
            f"{key}: {messages.get(item['type'], item['msg'].removeprefix('Value error, '))}"
        )
    return found
