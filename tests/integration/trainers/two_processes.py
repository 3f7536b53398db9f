"""Run by two processes at once: a TRL training with A-GRAE and the callback.

    torchrun --nproc_per_node 2 -m tests.integration.trainers.two_processes MODEL OUTPUT SERVER

Each process leaves OUTPUT/RANK.json: the gathered rewards and its own advantages, per batch.
"""

import json
import os
import sys
from pathlib import Path

from evalsvc.trainers.trl import EvaluationCallback
from tests.integration.trainers.tiny_training import GROUP_SIZE, make_trainer


def main() -> None:
    model, output, server = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    trainer = make_trainer(
        model,
        output,
        loss_type="grpo",
        per_device_train_batch_size=2 * GROUP_SIZE,
        save_strategy="steps",
        save_steps=1,
    )
    callback = EvaluationCallback(
        run="two", server=server, poll_seconds=0.1, wait_at_end_seconds=30
    )
    callback.attach(trainer)
    trainer.train()
    batches = [
        [rewards[:, 0].tolist(), advantages.tolist()] for rewards, advantages in trainer.batches
    ]
    (output / f"{os.environ['RANK']}.json").write_text(json.dumps(batches))


if __name__ == "__main__":
    main()
