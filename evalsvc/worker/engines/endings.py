"""Which tokens end an answer: one rule for every engine that runs a checkpoint itself.

These are the tokenizer's EOS and those named in generation_config.json (in config.json if there is
no such file). Nothing else is taken from generation_config.json: the protocol defines the sampling,
and a checkpoint that changed it would be measured differently from its baseline. The provenance
lists the settings that were ignored.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalsvc.checkpoints.files import read_object
from evalsvc.errors import CheckpointError

GENERATION, CONFIG = "generation_config.json", "config.json"
# Fields without influence on which tokens are drawn.
NEUTRAL = frozenset({
    "_from_model_config", "transformers_version", "eos_token_id", "bos_token_id", "pad_token_id",
    "use_cache", "cache_implementation",
})  # fmt: skip
LONGEST_TOLD = 200  # characters of a value


@dataclass(frozen=True)
class Endings:
    """The tokens that end an answer, by the file that names them, and the ignored settings."""

    named_by: dict[str, list[int]] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)

    @property
    def tokens(self) -> list[int]:
        return sorted({token for tokens in self.named_by.values() for token in tokens})

    def provenance(self) -> dict[str, Any]:
        return {"stop_tokens": self.named_by, "generation_config_ignored": self.ignored}


def read_endings(folder: Path, tokenizer: Any) -> Endings:
    """The endings of the checkpoint in `folder`. Raises CheckpointError for a non-token."""
    source = folder / GENERATION if (folder / GENERATION).exists() else folder / CONFIG
    settings = read_object(source)
    named = settings.get("eos_token_id")
    if named is None and source.name == CONFIG and isinstance(settings.get("text_config"), dict):
        named = settings["text_config"].get("eos_token_id")
    found = {
        "tokenizer": _tokens(folder, tokenizer.eos_token_id),
        source.name: _tokens(source, named),
    }
    ignored: dict[str, str] = {}
    if source.name == GENERATION:
        rest = {name: value for name, value in settings.items() if name not in NEUTRAL}
        ignored = {n: str(v)[:LONGEST_TOLD] for n, v in rest.items() if v is not None}
    return Endings({name: tokens for name, tokens in found.items() if tokens}, ignored)


def _tokens(path: Path, value: Any) -> list[int]:
    values = value if isinstance(value, list) else [] if value is None else [value]
    for token in values:
        if type(token) is not int or token < 0:
            raise CheckpointError(
                f"{path} names {str(token)[:100]!r} as `eos_token_id`, which is no token's number.",
                "Correct it: a number, or a list of numbers.",
            )
    return values
