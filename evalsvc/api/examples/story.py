"""What all examples have in common: one checkpoint and one evaluation of it.

`qwen-agrae-seed0` at step 100 was submitted for AIME 2025; problem texts are those of our own smoke
set.
"""

from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]

JOB_ID, EVALUATION_ID, RESCORE_ID = (
    "06611dae2efcb0194219",
    "f2e9b9be224d823f9318e192",
    "06611ddbccfb",
)
FINGERPRINT = "45fec0936d143786d998dcdef4f728a6eeed8a0adb3d86ac7d598749fa0095fc"
REVISION = "9d6f7ec7fdc180b282fe27a5f216feab0e34db1be3e6d32c69b54035a99ac1d0"
CHECKPOINT_PATH = "/models/qwen-agrae/checkpoint-100"
SUBMITTED, FINISHED = "2026-03-01T09:00:00Z", "2026-03-01T09:21:40Z"
SIDE: Json = {"run": "qwen-agrae-seed0", "method": "GRPO + A-GRAE", "step": 100}


def page(item: Json, next_cursor: str | None = None) -> Json:
    """A page of one item."""
    return {"items": [item], "next_cursor": next_cursor}
