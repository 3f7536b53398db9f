"""The ready TRL configuration, checked by TRL's own config class against the paper's numbers."""

import json
from pathlib import Path

from examples.qwen2_5_math_7b.trl_train import configuration, is_correct, problems

GPUS = 8


def test_the_papers_hyper_parameters(tmp_path: Path) -> None:
    config = configuration(tmp_path, seed=3, bf16=False, use_cpu=True, use_vllm=False)
    answers = config.per_device_train_batch_size * GPUS
    assert answers * config.gradient_accumulation_steps == 256 * 8  # a mini-batch of prompts
    assert answers * config.steps_per_generation == 1024 * 8  # a batch of prompts
    assert (config.num_generations, config.learning_rate, config.temperature) == (8, 1e-6, 1.0)
    assert (config.max_completion_length, config.num_train_epochs) == (2048, 20)
    assert (config.beta, config.loss_type, config.scale_rewards) == (0.0, "grpo", "group")
    assert config.seed == 3


def test_the_reward_is_the_verifiers_verdict(tmp_path: Path) -> None:
    data = tmp_path / "train.jsonl"
    data.write_text(json.dumps({"problem": "1/4 + 1/4 = ?", "answer": "\\frac{1}{2}"}))
    [row] = problems(data)
    assert row["prompt"][1]["content"].endswith("within \\boxed{}.")
    answers = [[{"content": text}] for text in ("so \\boxed{0.5}", "\\boxed{2}", "no idea")]
    assert is_correct(answers, [row["gold"]] * 3) == [1.0, 0.0, 0.0]
