"""Run by the interpreter that has verl: the estimator through verl's own compute_advantage.

Prints as JSON, for rewards of two interleaved prompts, the advantages by name of the variant.
Nothing of ours is imported here: verl finds the estimator through VERL_USE_EXTERNAL_MODULES.
"""

import json

import numpy as np
import torch
from omegaconf import OmegaConf
from verl import DataProto
from verl.trainer.ppo.ray_trainer import compute_advantage

REWARDS = [1, 1, 0, 1, 0, 1, 0, 0]  # prompt a: 1 0 0 0, prompt b: 1 1 1 0
PROMPTS = ["a", "b"] * 4


def advantages(**options: object) -> list[list[float]]:
    token_rewards = torch.zeros(8, 3)
    mask = torch.tensor([[1, 1, 1], [1, 1, 0]] * 4)
    token_rewards[torch.arange(8), mask.sum(dim=1) - 1] = torch.tensor(REWARDS, dtype=torch.float)
    data = DataProto.from_dict(
        tensors={"token_level_rewards": token_rewards, "response_mask": mask},
        non_tensors={"uid": np.array(PROMPTS, dtype=object)},
    )
    config = OmegaConf.create({"adv_estimator": "agrae", **options})
    result = compute_advantage(data, adv_estimator="agrae", config=config)
    return result.batch["advantages"].tolist()


print(
    json.dumps(
        {
            "full": advantages(),
            "half": advantages(agrae_alpha=0.5),
            "sample": advantages(agrae_level="sample"),
            "dr": advantages(norm_adv_by_std_in_grpo=False, agrae_level="none"),
        }
    )
)
