"""The conditions under which samples were drawn: versions, number format, device, seeds.

Pure functions on provenances. An evaluation keeps every value seen by its shards under
`conditions`, so that differences can be shown with the figure, and samples of another engine
version can be refused.
"""

from collections.abc import Mapping, Sequence
from typing import Any

CONDITIONS = "conditions"
ENGINE_VERSION = "engine version"
VERSIONED = ("vllm", "transformers")  # engines whose own package draws the samples

Values = dict[str, list[str]]


def conditions_of(provenance: Mapping[str, Any]) -> Values:
    """Condition -> every known value, in the order seen."""
    if isinstance(kept := provenance.get(CONDITIONS), Mapping):
        return {str(name): [str(value) for value in values] for name, values in kept.items()}
    engine = provenance.get("engine")
    about = engine if isinstance(engine, Mapping) else {}
    versions = provenance.get("versions")
    packages = versions if isinstance(versions, Mapping) else {}
    name = about.get("engine")
    found = {
        ENGINE_VERSION: f"{name} {packages[name]}" if _is_versioned(name, packages) else None,
        "torch": packages.get("torch") if name in VERSIONED else None,
        "dtype": about.get("dtype"),
        "device": about.get("device"),
        "attention backend": about.get("attention_backend"),
        "batch invariance": about.get("batch_invariant"),
        "seed policy": provenance.get("seeds"),
    }
    return {key: [str(value)] for key, value in found.items() if value not in (None, "")}


def merged(before: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """The provenance after another shard: its values, and the conditions of all shards."""
    conditions = conditions_of(before)
    for name, values in conditions_of(found).items():
        kept = conditions.setdefault(name, [])
        kept += [value for value in values if value not in kept]
    together = {**before, **found}
    return {**together, CONDITIONS: conditions} if conditions else together


def mixed_conditions(provenance: Mapping[str, Any]) -> str:
    """`unlike engine version: vllm 0.33.0 and vllm 0.34.0`; empty if all shards agree."""
    unlike = [
        f"{name} ({' and '.join(values)})"
        for name, values in conditions_of(provenance).items()
        if len(values) > 1
    ]
    return f"drawn under unlike conditions: {', '.join(unlike)}" if unlike else ""


def unlike_conditions(provenances: Sequence[Mapping[str, Any]]) -> list[str]:
    """The conditions in which these differ, of those that all of them name."""
    known = [conditions_of(provenance) for provenance in provenances]
    if not known:
        return []
    return [
        f"{name} ({' and '.join(dict.fromkeys('/'.join(one[name]) for one in known))})"
        for name in known[0]
        if all(name in one for one in known) and len({tuple(one[name]) for one in known}) > 1
    ]


def other_engine(before: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Why a shard must not be added to the samples stored: another engine version drew it."""
    known = conditions_of(before).get(ENGINE_VERSION, [])
    new = conditions_of(found).get(ENGINE_VERSION, [])
    if not known or all(value in known for value in new):
        return ""
    return (
        f"The samples that are there were drawn by {' and '.join(known)}, these by "
        f"{' and '.join(new)}: the same seeds give other texts."
    )


def _is_versioned(name: object, packages: Mapping[str, Any]) -> bool:
    return isinstance(name, str) and name in VERSIONED and name in packages
