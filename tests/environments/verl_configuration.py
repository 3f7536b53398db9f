"""Run by the interpreter that has verl: a configuration through verl's own checks.

    python verl_configuration.py FOLDER NAME

Prints as JSON what decides the comparison with the paper.
"""

import json
import sys

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from verl.trainer.config import AlgoConfig  # noqa: F401 - named in the configuration
from verl.trainer.ppo.checkpoint_callback import build_checkpoint_callback
from verl.trainer.ppo.core_algos import get_adv_estimator_fn
from verl.utils.config import omega_conf_to_dataclass, validate_config

folder, name = sys.argv[1], sys.argv[2]
with initialize_config_dir(folder, version_base=None):
    config = compose(name, overrides=["data.train_files=train", "data.val_files=test"])
OmegaConf.resolve(config)
validate_config(config, use_reference_policy=False, use_critic=False)
actor = omega_conf_to_dataclass(config.actor_rollout_ref.actor)
get_adv_estimator_fn(config.algorithm.adv_estimator)
callback = build_checkpoint_callback(config)
print(
    json.dumps(
        {
            "batch": config.data.train_batch_size,
            "mini_batch": actor.ppo_mini_batch_size,
            "group": config.actor_rollout_ref.rollout.n,
            "rate": actor.optim.lr,
            "temperature": config.actor_rollout_ref.rollout.temperature,
            "tokens": config.data.max_response_length,
            "epochs": config.trainer.total_epochs,
            "alpha": config.algorithm.get("agrae_alpha"),
            "kl": actor.use_kl_loss,
            "callback": type(callback).__name__,
        }
    )
)
