"""The files of each trainer's checkpoint in the order in which that trainer writes them."""

import io
import json
import zipfile
from dataclasses import dataclass, field

from tests.checkpoint_builder import CONFIG, checkpoint_files, tokenizer_texts


@dataclass(frozen=True)
class Written:
    """Files by path below the watched folder. `last` come after all others, in their order."""

    layout: str
    required: dict[str, bytes]
    optional: dict[str, bytes] = field(default_factory=dict)
    last: dict[str, bytes] = field(default_factory=dict)


def below(folder: str, files: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{folder}/{name}": data for name, data in files.items()}


def zip_bytes() -> bytes:
    """What torch.save writes, as far as a reader of zip directories can tell."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", b"never unpickled" * 20)
    return stream.getvalue()


def fsdp_actor(world_size: int = 2) -> dict[str, bytes]:
    files = {
        f"model_world_size_{world_size}_rank_{rank}.pt": zip_bytes() for rank in range(world_size)
    }
    files["fsdp_config.json"] = json.dumps({"FSDP_version": 2, "world_size": world_size}).encode()
    files["huggingface/config.json"] = json.dumps(CONFIG).encode()
    files |= {f"huggingface/{k}": v.encode() for k, v in tokenizer_texts().items()}
    return files


def every_layout(step: int = 10) -> list[Written]:
    """One complete step of each trainer; those that need a merger are left to their own tests."""
    extra = {"generation_config.json": b"{}", "training_args.bin": zip_bytes()}
    model = checkpoint_files(shards=3)
    tracker = {"latest_checkpointed_iteration.txt": str(step).encode()}
    actor = f"global_step_{step}/actor/huggingface"
    return [
        Written("hf", below(f"run-step-{step}", model), below(f"run-step-{step}", extra)),
        Written(
            "trl",
            below(f"checkpoint-{step}", {**model, "trainer_state.json": b"{}"}),
            below(f"checkpoint-{step}", {**extra, "optimizer.pt": zip_bytes()}),
        ),
        Written(
            "verl",
            {**below(actor, model), **tracker},
            {f"global_step_{step}/data.pt": zip_bytes()},
        ),
        Written("openrlhf", below(f"global_step{step}_hf", model)),
        Written(
            "skyrl",
            below(f"global_step_{step}/policy", model),
            {
                f"global_step_{step}/data.pt": zip_bytes(),
                "latest_ckpt_global_step.txt": str(step).encode(),
            },
        ),
        Written("slime", below(f"hf/iter_{step:07d}", model), optional=tracker),
        Written(
            "nemo-rl", below(f"step_{step}", {"training_info.json": b"{}"} | below("hf", model))
        ),
        Written(
            "prime-rl",
            below(f"broadcasts/step_{step}", model),
            last={f"broadcasts/step_{step}/STABLE": b""},
        ),
    ]
