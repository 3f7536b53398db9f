"""One training: the tiny model learns sums with TRL's GRPOTrainer, with or without A-GRAE.

    python -m examples.grpo_vs_agrae.training --method agrae --seed 0 --base DIR --output DIR

Both methods run the same code with the same standard deviation, batches and seeds: all that
differs is the shaping of the advantages (`agrae_level`).
"""

import argparse
import re
from pathlib import Path
from typing import Any

from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from evalsvc.catalogue import smoke
from evalsvc.trainers.trl import AsymmetricAdvantages, EvaluationCallback

METHODS = {"grpo": "GRPO", "agrae": "GRPO + A-GRAE"}
GROUP_SIZE = 8
PROMPTS_PER_STEP = 8
BOXED = re.compile(r"\\boxed\{([^{}]*)\}")


class Trainer(AsymmetricAdvantages, GRPOTrainer):  # type: ignore[misc]  # TRL has no types
    """GRPOTrainer with the advantages of A-GRAE, or, at the level "none", of GRPO."""


def problems(count: int, seed: int) -> Dataset:
    """Sums of the smoke benchmark's kind, none of them in the benchmark."""
    held_out = [question for question, _, _ in smoke.bundled()]
    rows = smoke.generate(count, seed, exclude=held_out)
    return Dataset.from_list(
        [{"prompt": [{"role": "user", "content": q}], "gold": gold} for q, gold, _ in rows]
    )


def is_correct(completions: list[Any], gold: list[str], **_: Any) -> list[float]:
    """The reward: 1 where the boxed answer is the gold, else 0."""
    found = [BOXED.search(completion[0]["content"]) for completion in completions]
    return [float(m is not None and m[1].strip() == g) for m, g in zip(found, gold, strict=True)]


def configuration(output: Path, seed: int, steps: int, save_steps: int) -> GRPOConfig:
    return GRPOConfig(
        output_dir=str(output),
        max_steps=steps,
        save_steps=save_steps,
        save_only_model=True,
        per_device_train_batch_size=GROUP_SIZE * PROMPTS_PER_STEP,
        num_generations=GROUP_SIZE,
        max_completion_length=16,
        loss_type="grpo",
        scale_rewards="group",
        beta=0.0,
        temperature=1.0,
        learning_rate=2e-4,
        lr_scheduler_type="constant",
        logging_steps=10,
        seed=seed,
        bf16=False,
        use_cpu=True,
        gradient_checkpointing=False,
        report_to=[],
        disable_tqdm=True,
    )


def train(method: str, seed: int, base: Path, output: Path, *, steps: int, save_steps: int) -> None:
    """Train one run; its checkpoints are announced to the service as they are saved."""
    trainer = Trainer(
        model=str(base),
        reward_funcs=is_correct,
        args=configuration(output, seed, steps, save_steps),
        train_dataset=problems(steps * PROMPTS_PER_STEP, seed),
        agrae_level="full" if method == "agrae" else "none",
    )
    EvaluationCallback(
        run=f"{method}-seed{seed}",
        method=METHODS[method],
        base_model="evalsvc demo, 600 steps",
        benchmarks=["smoke"],
        samples=16,
    ).attach(trainer)
    trainer.train()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", choices=METHODS, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--save-steps", type=int, default=50)
    options = parser.parse_args()
    train(
        options.method,
        options.seed,
        options.base,
        options.output,
        steps=options.steps,
        save_steps=options.save_steps,
    )


if __name__ == "__main__":
    main()
