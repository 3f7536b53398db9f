"""Run by the interpreter that has verl: the callback, loaded by verl from its dotted name.

    python verl_callback.py RUN STEP SERVER

Prints as JSON how long each call held the trainer up, in seconds. The docstring's example runs too.
"""

import doctest
import json
import sys
import time
from pathlib import Path

from omegaconf import OmegaConf
from verl.trainer.ppo.checkpoint_callback import build_checkpoint_callback

run, step, server = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
config = OmegaConf.create(
    {
        "algorithm": {"adv_estimator": "agrae"},
        "actor_rollout_ref": {"model": {"path": "Qwen/Qwen2.5-Math-7B"}},
        "trainer": {
            "experiment_name": "tiny",
            "checkpoint_callback_class": "evalsvc.trainers.verl.EvaluationCallback",
            "evalsvc": {"server": server, "benchmarks": ["aime2025", "amc23"], "samples": 4},
        },
    }
)
callback = build_checkpoint_callback(config)
examples = doctest.DocTestFinder(recurse=False).find(
    type(callback), "EvaluationCallback", globs={"config": config}
)
runner = doctest.DocTestRunner()
for example in examples:
    runner.run(example, out=sys.stderr.write)
assert (runner.failures, runner.tries > 0) == (0, True)
seconds = []
for folder in (run / f"global_step_{step}", run / "global_step_99"):  # the second does not exist
    begin = time.monotonic()
    callback.on_save(
        trainer=None, global_step=step, checkpoint_dir=str(folder), async_save=False, later="kwarg"
    )
    seconds.append(time.monotonic() - begin)
print(json.dumps(seconds))
