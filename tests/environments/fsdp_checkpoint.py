"""Run by the interpreter that has verl: a tiny model saved by verl's own checkpoint manager.

    python fsdp_checkpoint.py MODEL RUN STEP

Two processes on the CPU shard the Hugging Face model in the folder MODEL with FSDP 2, and verl's
FSDPCheckpointManager writes RUN/global_step_STEP/actor; the tracker comes last, as in training.
"""

import json
import os
import socket
import sys
from pathlib import Path

import torch
import torch.multiprocessing as multiprocessing
from omegaconf import OmegaConf
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from transformers import AutoModelForCausalLM, AutoTokenizer
from verl.utils.checkpoint.fsdp_checkpoint_manager import FSDPCheckpointManager

WORLD_SIZE = 2


def save(rank: int, model_folder: str, run: str, step: int, port: int) -> None:
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.distributed.init_process_group("gloo", rank=rank, world_size=WORLD_SIZE)
    mesh = init_device_mesh("cpu", (WORLD_SIZE,), mesh_dim_names=("fsdp",))
    model = AutoModelForCausalLM.from_pretrained(model_folder)
    for layer in model.model.layers:
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)
    manager = FSDPCheckpointManager(
        model=model,
        optimizer=None,
        lr_scheduler=None,
        processing_class=AutoTokenizer.from_pretrained(model_folder),
        checkpoint_config=OmegaConf.create(
            {"save_contents": ["model"], "load_contents": ["model"]}
        ),
    )
    manager.save_checkpoint(
        local_path=str(Path(run) / f"global_step_{step}" / "actor"), global_step=step
    )
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def main() -> None:
    model_folder, run, step = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    multiprocessing.spawn(save, (model_folder, run, step, port), WORLD_SIZE)
    (Path(run) / "latest_checkpointed_iteration.txt").write_text(str(step))
    print(json.dumps(WORLD_SIZE))


if __name__ == "__main__":
    main()
