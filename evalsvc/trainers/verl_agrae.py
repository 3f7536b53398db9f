"""A-GRAE as an advantage estimator of verl, without a fork.

    VERL_USE_EXTERNAL_MODULES=evalsvc.trainers.verl_agrae
    algorithm.adv_estimator=agrae  [+algorithm.agrae_alpha=0.5]  [+algorithm.agrae_level=sample]

`algorithm.norm_adv_by_std_in_grpo=False` leaves out the standard deviation, as Dr.GRPO does.
"""

from typing import Any

import numpy as np
import torch
from verl.trainer.ppo.core_algos import register_adv_est

from evalsvc.trainers.agrae import shaped_advantages

NAME = "agrae"


@register_adv_est(NAME)  # type: ignore[untyped-decorator]  # verl has no types
def agrae_advantages(
    token_level_rewards: torch.Tensor,
    response_mask: torch.Tensor,
    index: Any,
    config: Any = None,
    **_: Any,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Advantages and returns, both (answers, tokens), of a whole batch.

    `token_level_rewards` and `response_mask` have that shape; `index` names each answer's prompt.
    An answer's reward is the sum over its tokens, in [0, 1]. Raises ValueError otherwise.
    """
    options = config if config is not None else {}
    rewards = token_level_rewards.detach().sum(dim=-1).cpu().double().numpy()
    groups = np.unique(np.asarray(index).astype(str), return_inverse=True)[1]
    scores = shaped_advantages(
        rewards,
        groups,
        float(options.get("agrae_alpha", 1.0)),
        level=options.get("agrae_level", "full"),
        normalise_std=bool(options.get("norm_adv_by_std_in_grpo", True)),
    )
    column = torch.from_numpy(scores).to(token_level_rewards).unsqueeze(-1)
    advantages = column * response_mask
    return advantages, advantages
