"""`python -m evalsvc.demo --out DIR`, or `smollm2 --out DIR`, `vision --out DIR`.

Prints the checkpoints as JSON on standard output; progress goes to standard error.
"""

import argparse
import json
import logging
import os
import sys
from pathlib import Path

from evalsvc.errors import UsageError

# On busy cores waiting threads must sleep, not spin: otherwise training is ten times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def main() -> int:
    """Make the requested checkpoints. Returns 0, or 1 with a message."""
    parser = argparse.ArgumentParser(prog="python -m evalsvc.demo", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("train", "smollm2", "vision"), default="train")
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoints")
    parser.add_argument("--steps", type=int, nargs="+", help="training steps to keep")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        made = make(options.what, options.out, options.steps)
    except (UsageError, FileExistsError, ModuleNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(made, indent=1))
    return 0


def make(what: str, out: Path, steps: list[int] | None) -> dict[str, str]:
    """The checkpoints by name."""
    if what == "smollm2":
        from evalsvc.demo.smollm2 import smollm2_checkpoint

        return {"smollm2-135m-instruct": str(smollm2_checkpoint(out))}
    if what == "vision":
        from evalsvc.demo.vision import vision_checkpoints

        return {path.name: str(path) for path in vision_checkpoints(out)}
    from evalsvc.demo.checkpoints import demo_checkpoints
    from evalsvc.demo.training import Recipe

    recipe = Recipe(steps=tuple(sorted(set(steps)))) if steps else Recipe()
    return {f"step-{step}": str(path) for step, path in demo_checkpoints(out, recipe).items()}


if __name__ == "__main__":
    sys.exit(main())
