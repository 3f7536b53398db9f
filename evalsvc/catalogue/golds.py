"""Typed golds and overrides: `golds.yaml` of a benchmark's folder, applied when data are loaded.

An override never changes the stored data or the hash they are checked against. An override of a
gold or kind changes how answers are judged; one of choices also changes the question, and so the
revision of the dataset. Every override states its reason.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, TypeAdapter, ValidationError, field_validator

from evalsvc.catalogue.errors import CatalogueError
from evalsvc.catalogue.folders import mistakes, read_yaml
from evalsvc.catalogue.model import Described

FILE = "golds.yaml"


class Override(Described):
    """The replacement, or the type, of one problem's gold.

    `raw` is the source's gold that this was written for: if the gold differs, nothing is changed.
    """

    raw: str | None = None
    gold: str | None = None
    kind: str | None = None
    choices: tuple[str, ...] | None = None
    why: str = Field(min_length=1)

    @field_validator("raw", "gold", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int | float) else value

    def fits(self, gold: str) -> bool:
        """Whether this override was written for that gold."""
        return self.raw is None or self.raw == gold


_OVERRIDES = TypeAdapter(dict[str, Override])


def read_overrides(folder: Path) -> Mapping[str, Override]:
    """Id (or cluster, see `golds_by`) -> override; empty without a golds.yaml."""
    path = folder / FILE
    if not path.is_file():
        return {}
    content = read_yaml(path) or {}
    if not isinstance(content, dict):
        raise CatalogueError(f"{path} must map ids of problems to overrides.", "Mend that file.")
    try:
        return _OVERRIDES.validate_python({str(key): value for key, value in content.items()})
    except ValidationError as error:
        raise CatalogueError(
            f"{path} is not usable: {'; '.join(mistakes(error))}.",
            "Each entry is an id with any of gold, kind, choices, and a `why`.",
        ) from error
