"""Train Qwen2.5-Math-7B with TRL: GRPO, or GRPO with A-GRAE, evaluated after each checkpoint.

    accelerate launch --num_processes 8 -m examples.qwen2_5_math_7b.trl_train \
        --data math_train.jsonl --output runs/agrae-seed0 --level full --seed 0

`--data` holds {"problem": ..., "answer": ...} a line. `--level none` is the GRPO baseline with the
same code. The reward is the service's own verifier: pip install "evalsvc[server,trl]".
"""

import argparse
import json
from pathlib import Path
from typing import Any

import yaml
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from evalsvc.trainers.trl import AsymmetricAdvantages, EvaluationCallback
from evalsvc.verification import verify

MODEL = "Qwen/Qwen2.5-Math-7B"
CONFIGURATION = Path(__file__).with_name("trl.yaml")
SUFFIX = "\nPlease reason step by step, and put your final answer within \\boxed{}."


class Trainer(AsymmetricAdvantages, GRPOTrainer):  # type: ignore[misc]  # TRL has no types
    """GRPOTrainer with A-GRAE's advantages."""


def configuration(output: Path, seed: int, **changes: Any) -> GRPOConfig:
    """The settings of trl.yaml for one run."""
    settings = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
    return GRPOConfig(**{**settings, "output_dir": str(output), "seed": seed, **changes})


def problems(path: Path) -> Dataset:
    """The training problems as conversations, under the paper's prompt."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return Dataset.from_list(
        [
            {
                "prompt": [
                    {"role": "system", "content": "You are a helpful assistant."},
                    {"role": "user", "content": row["problem"] + SUFFIX},
                ],
                "gold": row["answer"],
            }
            for row in rows
        ]
    )


def is_correct(completions: list[Any], gold: list[str], **_: Any) -> list[float]:
    """The paper's binary reward."""
    answers = (completion[0]["content"] for completion in completions)
    return [float(verify(answer, g).correct) for answer, g in zip(answers, gold, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--level", choices=("full", "sample", "group", "none"), default="full")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    trainer = Trainer(
        model=MODEL,
        reward_funcs=is_correct,
        args=configuration(options.output, options.seed),
        train_dataset=problems(options.data),
        agrae_alpha=1.0,
        agrae_level=options.level,
    )
    EvaluationCallback(
        run=options.output.name,
        method="GRPO" if options.level == "none" else "GRPO + A-GRAE",
        benchmarks=["math", "aime2025", "amc23"],
        protocol="paper",
        samples=16,
    ).attach(trainer)
    trainer.train()


if __name__ == "__main__":
    main()
