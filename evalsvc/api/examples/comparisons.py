"""Examples of runs, benchmarks, comparisons, plans, imports, workers and webhooks."""

from evalsvc.api.examples.evaluations import FIGURE
from evalsvc.api.examples.story import (
    CHECKPOINT_PATH,
    EVALUATION_ID,
    FINGERPRINT,
    FINISHED,
    SIDE,
    SUBMITTED,
    Json,
    page,
)

RUN: Json = {
    "name": "qwen-agrae-seed0",
    "method": "GRPO + A-GRAE",
    "base_model": "Qwen2.5-Math-7B",
    "train_seed": 0,
    "config": {},
    "checkpoints": 4,
    "newest_step": 100,
    "created_at": SUBMITTED,
}
SCORE: Json = {
    "benchmark": "aime2025",
    "evaluation": EVALUATION_ID,
    "protocol": "paper",
    "protocol_hash": "f7ba07e36af88e91",
    "complete": True,
    "coverage": 1.0,
    "problems": 30,
    "problems_total": 30,
    "remarks": [],
}
POINT: Json = {
    **SCORE,
    "step": 100,
    "checkpoint_id": 7,
    **{key: FIGURE[key] for key in ("k", "value", "interval_fixed", "interval_population")},
}
BEST: Json = {
    "benchmark": "aime2025",
    "step": 100,
    "value": 0.1333,
    "steps": 4,
    "optimism": 0.021,
    "warning": "step 100 is the best of 4 on the test set itself.",
}
CHECKPOINT: Json = {
    "id": 7,
    **SIDE,
    "path": CHECKPOINT_PATH,
    "state": "complete",
    "reason": None,
    "fingerprint": FINGERPRINT,
    "architecture": "Qwen2ForCausalLM",
    "size_bytes": 15_231_271_888,
    "created_at": SUBMITTED,
}
BENCHMARK: Json = {
    "name": "aime2025",
    "title": "AIME 2025",
    "description": "The 30 problems of AIME I and II 2025; answers are integers from 0 to 999.",
    "modality": "text",
    "problems": 30,
    "default_part": "test",
    "parts": [
        {"name": "test", "title": "AIME 2025", "problems": 30, "text_only": True, "data": False}
    ],
    "prompts": ["paper"],
    "licence": "not stated",
    "redistributable": False,
    "homepage": "https://huggingface.co/datasets/TianHongZXY/AIME2025",
    "paper": "",
    "quirks": [],
    "data": False,
    "remedy": "evalsvc benchmarks add-data aime2025 --from PATH",
}
PUBLISHED: Json = {
    "items": [
        {
            "paper": "arXiv:2602.05548v3",
            "table": "2",
            "model": "Qwen2.5-Math-7B",
            "method": "Base Model",
            "benchmark": "aime2025",
            "part": "test",
            "metric": "pass@k",
            "k": 1,
            "value": 0.061,
            "plus_minus": 0.007,
            "verdict": "",
            "differs": [],
            "not_stated": [],
            "sentence": "",
            "reproduction": None,
        }
    ],
    "oddities": [],
}
COMPARISON: Json = {
    "benchmark": "aime2025",
    "metric": "pass@k",
    "k": 1,
    "baseline": 0.1,
    "candidate": 0.1333,
    "difference": 0.0333,
    "interval_fixed": [0.0021, 0.0645],
    "interval_population": [-0.0125, 0.0812],
    "p_value": 0.18,
    "p_adjusted": 0.18,
    "minimum_detectable_effect": 0.067,
    "sentence": "pass@1 goes from 10.0% to 13.3%: not told apart on 30 problems.",
    "significant": False,
    "margin": 0.01,
    "equivalent": False,
    "equivalence_p_value": 0.64,
    "test": "sign flips by cluster, 4,999 draws",
    "family": ("pass@k, k = 1, on aime2025: qwen-agrae-seed0@100 against qwen-grpo-seed0@100"),
    "family_size": 1,
    "discordant": 14,
    "candidate_only": 2,
    "baseline_only": 1,
    "problems": 30,
    "clusters": 30,
    "indicator": False,
    "baseline_method": "GRPO",
    "candidate_method": "GRPO + A-GRAE",
    "baseline_checkpoint": "qwen-grpo-seed0@100",
    "candidate_checkpoint": "qwen-agrae-seed0@100",
    "baseline_evaluation": "37899fbd5141308021e23918",
    "candidate_evaluation": EVALUATION_ID,
    "baseline_coverage": 1.0,
    "candidate_coverage": 1.0,
    "notes": [],
}
CURVE: Json = {
    "benchmark": "aime2025",
    "baseline_checkpoint": "qwen-grpo-seed0@100",
    "candidate_checkpoint": "qwen-agrae-seed0@100",
    "baseline_evaluation": "37899fbd5141308021e23918",
    "candidate_evaluation": EVALUATION_ID,
    "ks": [1, 2, 4],
    "difference": [0.0333, 0.0512, 0.0701],
    "p_value": 0.012,
    "adjusted": [0.18, 0.061, 0.012],
    "band": [[-0.0171, 0.0837], [-0.0021, 0.1045], [0.0142, 0.126]],
    "alpha": 0.05,
    "problems": 30,
    "clusters": 30,
    "thinned": False,
    "sentence": "The candidate is above the baseline at k = 4; not resolved at the other k ...",
}
COMPARED: Json = {
    **page(COMPARISON),
    "crossovers": [
        {
            "benchmark": "aime2025",
            "baseline_checkpoint": "qwen-grpo-seed0@100",
            "candidate_checkpoint": "qwen-agrae-seed0@100",
            "k": 3.2,
            "below": 2,
            "above": 4,
            "leader_below": "candidate",
            "leader_above": "baseline",
            "resolved": False,
            "resolved_between": None,
        }
    ],
    "curve": [CURVE],
    "methods": [],
    "notes": [],
}
CLAIM: Json = {
    "baseline": "GRPO",
    "candidate": "GRPO + A-GRAE",
    "unit": "run",
    "baseline_runs": 4,
    "candidate_runs": 4,
    "k": 1,
    "alpha": 0.05,
    "test": "permutation of the methods' labels within base models",
    "estimate": 0.0241,
    "interval": [0.0112, 0.037],
    "p_value": 0.0286,
    "smallest_p": 0.0286,
    "outcome": "better",
    "every_p_value": 0.0286,
    "every": True,
    "benchmarks": [
        {
            "benchmark": "aime2025",
            "weight": 1.0,
            "baseline": 0.1092,
            "candidate": 0.1333,
            "difference": 0.0241,
            "p_adjusted": 0.0286,
            "outcome": "better",
            "problems": 30,
        }
    ],
    "base_models": {"Qwen2.5-Math-7B": 0.0241},
    "runs": [
        {
            "side": "candidate",
            "run": "qwen-agrae-seed0",
            "step": 100,
            "method": "GRPO + A-GRAE",
            "base_model": "Qwen2.5-Math-7B",
            "train_seed": 0,
            "score": 0.1333,
            "scores": {"aime2025": 0.1333},
            "evaluations": {"aime2025": EVALUATION_ID},
            "counted": True,
            "reason": "",
        }
    ],
    "sentence": "pass@1, GRPO + A-GRAE against GRPO. Over aime2025: +2.4 points ...",
    "notes": [],
}
LEADER: Json = {
    "rank": 1,
    **SIDE,
    "checkpoint_id": 7,
    "mean": 0.1333,
    "benchmarks": 1,
    "scores": [{**SCORE, "figure": FIGURE}],
}
RANKED: Json = {
    "name": "qwen-agrae-seed0@100",
    "rank": 1,
    "mean": 0.1333,
    "interval": [0.0458, 0.2437],
    "by_benchmark": {"aime2025": 0.1333},
    "tied_with": ["qwen-grpo-seed0@100"],
}
PLAN: Json = {
    "k": 1,
    "effect": 0.05,
    "alpha": 0.05,
    "problems": 30,
    "samples": 64,
    "runs": 1,
    "power": 0.84,
    "best_power": 1.0,
    "reached": True,
    "total_samples": 3840,
    "tokens": 7_296_000.0,
    "hours": 0.9,
    "sentence": "30 problems, 64 samples each: +5.0 points of pass@1 are detected in 84%.",
}
IMPORTED: Json = {
    "evaluation": "69b5696870ab8e6d5a3739eb",
    "benchmark": "aime2025",
    "run": "qwen-grpo-seed0",
    "step": 100,
    "problems": 30,
    "samples": 480,
    "correct": 48,
    "replaced": False,
    "repeated": False,
    "notes": [],
    "source_verdicts": None,
}
WORKER: Json = {
    "id": "1-1",
    "state": "running",
    "epoch": 1,
    "started_at": SUBMITTED,
    "updated_at": FINISHED,
    "status": {
        "worker_id": "1-1",
        "state": "running",
        "engine": "vllm",
        "device": "NVIDIA H100 80GB HBM3",
        "checkpoint": FINGERPRINT,
        "checkpoint_path": CHECKPOINT_PATH,
        "shards_in_flight": ["06611dae2efd-0007"],
        "samples_done": 320,
        "tokens_per_second": 8200.0,
        "swaps": 3,
        "cold_starts": 1,
        "last_swap_seconds": 0.09,
    },
}
DISPATCHER: Json = {
    "epoch": 1,
    "state": "running",
    "holder": "process 4711 on gpu-3",
    "reason": None,
    "remedy": None,
    "started_at": SUBMITTED,
}
WEBHOOK: Json = {
    "id": "w-0f3a9c",
    "owner": "alice",
    "url": "https://hooks.example.org/evalsvc",
    "events": ["job.done", "job.failed"],
    "created_at": SUBMITTED,
}
DELIVERY: Json = {
    "id": 12,
    "event_id": 58,
    "kind": "job.done",
    "state": "delivered",
    "attempts": 1,
    "response_status": 200,
    "error": None,
    "next_attempt_at": None,
    "created_at": FINISHED,
}
METRICS = """# HELP evalsvc_jobs Jobs by state
# TYPE evalsvc_jobs gauge
evalsvc_jobs{state="running"} 1.0
"""
