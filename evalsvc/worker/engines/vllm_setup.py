"""How vLLM is set up on this machine: environment, device and engine arguments.

The CPU settings come from measurements (docs/decisions/0502): chunked prefill together with
per-request seeds kills the engine; float32 is faster than bfloat16 where the CPU has no
instructions for it; by default vLLM leaves one core idle.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsvc.specs import CheckpointSpec, Modality
from evalsvc.worker.engines.pictures import PICTURE_OPTIONS, PictureLimits

OPTIONS: Mapping[str, type] = {
    "dtype": str,
    "max_model_len": int,
    "max_num_seqs": int,
    "tensor_parallel_size": int,
    "pipeline_parallel_size": int,
    "gpu_memory_utilization": float,
    "kv_cache_gib": float,
    **PICTURE_OPTIONS,
}
PROMPT_TOKENS = {Modality.TEXT: 8192, Modality.IMAGE: 16384}  # room for the longest prompts
CPU_SEQUENCES = 128
GPU_SEQUENCES = 256
SMALL_MACHINE_CORES = 8
CPU_PICTURE_CACHE_GIB = 0.5
GPU_PICTURE_CACHE_GIB = 2.0
GIB = 2**30
EXTENSION = "evalsvc.worker.engines.vllm_extension.WeightProof"  # mixed into vLLM's worker
ENVIRONMENT = {
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # A forked engine inherits the locks of our threads and may wait for them forever.
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
}


@dataclass(frozen=True)
class Device:
    """The device that vLLM runs on, as text, and whether it is the CPU."""

    name: str
    is_cpu: bool


def prepare_environment() -> None:
    """Set the variables that vLLM reads on import; the administrator's values stay."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) <= SMALL_MACHINE_CORES:
        os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", ",".join(map(str, cores)))


def find_device() -> Device:
    """The device that the installed vLLM uses. Imports it."""
    from vllm.platforms import current_platform

    if current_platform.is_cpu():
        return Device(f"cpu ({_cpu_model()}, {len(os.sched_getaffinity(0))} cores)", True)
    return Device(str(current_platform.get_device_name()), False)


def context_limit(checkpoint: CheckpointSpec, max_tokens: int, wanted: int | None) -> int:
    """Tokens for prompt and answer together: as many as needed, not as many as possible."""
    need = wanted or max_tokens + PROMPT_TOKENS[checkpoint.modality]
    return min(need, checkpoint.context_length or need)


def engine_arguments(
    checkpoint: CheckpointSpec, device: Device, limit: int, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Keyword arguments of vLLM's AsyncEngineArgs."""
    arguments: dict[str, Any] = {
        "model": checkpoint.path,
        "max_model_len": limit,
        "seed": 0,
        "trust_remote_code": False,
        "config_format": "hf",  # the files that were fingerprinted, never another format's copy
        "disable_log_stats": True,
        "enable_prefix_caching": True,
        "worker_extension_cls": EXTENSION,
        "max_num_seqs": GPU_SEQUENCES,
    }
    if checkpoint.modality is Modality.IMAGE:
        arguments |= picture_arguments(PictureLimits.from_options(options), device)
    if device.is_cpu:
        arguments |= {
            "dtype": cpu_dtype(),
            "enforce_eager": True,
            "enable_chunked_prefill": False,
            "max_num_batched_tokens": max(limit, 8192),
            "max_num_seqs": CPU_SEQUENCES,
            "kv_cache_memory_bytes": cpu_cache_bytes(),
        }
    chosen = {name: value for name, value in options.items() if name not in PICTURE_OPTIONS}
    if "kv_cache_gib" in chosen:
        arguments["kv_cache_memory_bytes"] = int(chosen.pop("kv_cache_gib") * GIB)
    return arguments | chosen | {"max_model_len": limit}


def picture_arguments(limits: PictureLimits, device: Device) -> dict[str, Any]:
    """vLLM's arguments for pictures: it reserves room for the largest one.

    Processed pictures are cached for the other samples of their problem. The cache is small;
    vLLM's default is 4 GiB.
    """
    largest = {"count": limits.images, "width": limits.side, "height": limits.side}
    return {
        "limit_mm_per_prompt": {"image": largest, "video": 0},
        "mm_processor_cache_gb": CPU_PICTURE_CACHE_GIB if device.is_cpu else GPU_PICTURE_CACHE_GIB,
    }


def cpu_dtype(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """bfloat16 only where the CPU multiplies it in matrix tiles, otherwise float32."""
    return "bfloat16" if "amx_bf16" in _cpu_flags(cpuinfo) else "float32"


def cpu_cache_bytes() -> int:
    """An eighth of the memory, between 1 and 4 GiB: room for about a hundred short answers."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(4, memory // (8 * GIB))) * GIB


def _cpu_flags(cpuinfo: Path) -> frozenset[str]:
    return frozenset(_cpu_field("flags", cpuinfo).split())


def _cpu_model() -> str:
    return _cpu_field("model name", Path("/proc/cpuinfo")) or "unknown"


def _cpu_field(name: str, cpuinfo: Path) -> str:
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    found = (line.partition(":")[2].strip() for line in lines if line.split(":")[0].strip() == name)
    return next(found, "")
