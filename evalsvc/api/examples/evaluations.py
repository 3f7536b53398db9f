"""Examples of jobs, evaluations, their problems and samples, and rescores."""

from evalsvc.api.examples.story import (
    CHECKPOINT_PATH,
    EVALUATION_ID,
    FINGERPRINT,
    FINISHED,
    JOB_ID,
    REVISION,
    SIDE,
    SUBMITTED,
    Json,
)

JOB: Json = {
    "id": JOB_ID,
    "owner": "alice",
    "state": "running",
    "priority": 0,
    **SIDE,
    "checkpoint": CHECKPOINT_PATH,
    "progress": {
        "samples_done": 320,
        "samples_wanted": 480,
        "fraction": 0.6667,
        "shards": {"done": 6, "running": 2},
    },
    "evaluations": [
        {
            "id": EVALUATION_ID,
            "benchmark": "aime2025",
            "state": "running",
            "samples": 16,
            "problems": 30,
            "ks": [1, 2, 4, 8, 16],
            "samples_done": 320,
            "samples_wanted": 480,
            "error": None,
            "remedy": None,
        }
    ],
    "reasons": [],
    "error": None,
    "remedy": None,
    "request": {
        **SIDE,
        "checkpoint": CHECKPOINT_PATH,
        "benchmarks": ["aime2025"],
        "protocol": "paper",
        "samples": 16,
    },
    "created_at": SUBMITTED,
    "started_at": "2026-03-01T09:00:02Z",
    "finished_at": None,
}
CANCELLED: Json = {**JOB, "state": "cancelled", "finished_at": FINISHED}
EVENTS = f"""retry: 1000

id: 31
event: job.submitted
data: {{"at": "{SUBMITTED}", "kind": "job.submitted", "job": "{JOB_ID}"}}

id: 58
event: job.done
data: {{"at": "{FINISHED}", "kind": "job.done", "job": "{JOB_ID}"}}

"""

FIGURE: Json = {
    "metric": "pass@k",
    "k": 1,
    "value": 0.1333,
    "interval_fixed": [0.1083, 0.163],
    "interval_population": [0.0458, 0.2437],
    "problems": 30,
    "clusters": 30,
    "samples": 480,
    "indicator": False,
}
METRIC_FIGURE: Json = {
    **FIGURE,
    "name": "pass@1",
    "unit": "fraction",
    "higher_is_better": True,
}
LEFT_OUT: Json = {
    "metric": "maj@k",
    "reason": "It needs the answers, and this evaluation has no transcripts.",
}
EVALUATION_METRICS: Json = {
    "evaluation": EVALUATION_ID,
    "figures": [METRIC_FIGURE],
    "left_out": [LEFT_OUT],
}
METRICS_CATALOGUE: Json = {
    "items": [
        {
            "name": "pass@k",
            "formula": "at least one of k samples is correct: 1 - C(n-c, k) / C(n, k)",
            "source": "Chen et al. 2021, arXiv 2107.03374",
            "inputs": "counts",
            "takes_k": True,
            "higher_is_better": True,
            "range": [0.0, 1.0],
            "unit": "fraction",
            "intervals": ["fixed", "population"],
            "test": "paired by problem",
            "package": "evalsvc",
        }
    ],
    "unusable": [],
}
INDICATOR: Json = {**FIGURE, "k": 16, "value": 0.4, "interval_fixed": None, "indicator": True}
PROFILE: Json = {
    "evaluation": EVALUATION_ID,
    "solved_share": 0.4,
    "consistency": [
        {
            "k": 1,
            "pass_hat": {**FIGURE, "metric": "pass^k"},
            "g_pass_half": 0.1333,
            "mg_pass": 0.1333,
            "worst_tenth": 0.0,
        }
    ],
    "beliefs": [{"k": 1, "mean": 0.1741, "band": [0.1467, 0.2033]}],
    "extrapolated": [
        {
            "k": 32,
            "value": 0.5312,
            "interval_fixed": [0.4833, 0.5833],
            "interval_population": [0.3921, 0.6655],
            "sentence": "pass@32 is 53.1% by extrapolation ...",
        }
    ],
    "cover": [
        {
            "tau": 0.5,
            "value": 0.1523,
            "interval_fixed": [0.1, 0.2],
            "interval_population": [0.0721, 0.2914],
        }
    ],
    "rates": [
        {
            "flag": "truncated",
            "value": 0.3125,
            "interval_population": [0.1885, 0.471],
            "samples": 480,
        }
    ],
    "tokens": {
        "total": 912_000,
        "per_sample": 1900.0,
        "per_correct": 14_250.0,
        "mean_correct": 1210.0,
        "mean_wrong": 2006.2,
    },
    "difficulty": [],
    "answers": {
        "votes": [{"k": 1, "value": 0.1333, "problems": 30}],
        "distinct_answers": 7.4,
        "entropy": 2.1,
        "settled": 21,
        "median_samples_for_majority": 9.0,
        "problems": [
            {
                "problem": 0,
                "samples": 16,
                "distinct_answers": 3,
                "entropy": 0.87,
                "majority_correct": 1.0,
                "samples_for_majority": 5,
            }
        ],
    },
    "figures": [METRIC_FIGURE],
    "left_out": [],
}
EVALUATION: Json = {
    "id": EVALUATION_ID,
    **SIDE,
    "base_model": "Qwen2.5-Math-7B",
    "checkpoint_id": 7,
    "benchmark": "aime2025",
    "revision": REVISION,
    "engine": "vllm",
    "state": "done",
    "complete": True,
    "coverage": 1.0,
    "problems_wanted": 30,
    "problems_seen": 30,
    "problems_total": 30,
    "samples_wanted": 16,
    "samples_seen": 480,
    "truncated_rate": 0.0125,
    "no_answer_rate": 0.0208,
    "verifier_failure_rate": 0.0,
    "remarks": [],
    "output_tokens": 912_000,
    "protocol": {"name": "paper", "temperature": 0.6, "top_p": 0.95, "max_tokens": 4096},
    "protocol_hash": "f7ba07e36af88e91",
    "verifier": "1.0.1",
    "error": None,
    "remedy": None,
    "version": 8,
    "created_at": SUBMITTED,
    "finished_at": FINISHED,
}
EVALUATION_IN_FULL: Json = {
    **EVALUATION,
    "metrics": {"pass@1": FIGURE, "pass@16": INDICATOR},
    "breakdowns": [
        {"trait": "subject", "value": "addition", "problems": 30, "metrics": [FIGURE]},
    ],
    "tokens_per_sample": 1900.0,
    "tokens_per_correct_sample": 1450.5,
    "notes": ["No sampling interval exists for k = 16: it needs at least 2k samples a problem."],
    "failures": [],
    "provenance": {
        "versions": {"vllm": "0.33.0", "torch": "2.13.0", "verifier": "1.0.1"},
        "weights": "swapped",
        "checkpoint_fingerprint": FINGERPRINT,
    },
    "held_by": ["qwen-agrae-seed0@100 (GRPO + A-GRAE)"],
}
PROBLEM: Json = {
    "problem": 0,
    "problem_id": "smoke-000",
    "cluster": "smoke-000",
    "level": None,
    "subject": "addition",
    "question_type": None,
    "part": None,
    "n": 16,
    "c": 5,
    "tokens": 30_400,
    "error": None,
}
SAMPLES: Json = {
    "evaluation": EVALUATION_ID,
    "problem": 0,
    "problem_id": "smoke-000",
    "prompt": [{"role": "user", "content": "17 + 1 = ?"}],
    "total": 16,
    "items": [
        {
            "sample": 0,
            "response": "So \\boxed{18}",
            "finish_reason": "stop",
            "output_tokens": 9,
            "extracted": "18",
            "span": [10, 12],
            "verdict": "correct",
            "correct": True,
            "rule": "same text",
            "verifier": "1.0.1",
            "verify_ms": 0.1,
            "seed": 1189312133,
            "override": None,
            "confidence": "proven",
        }
    ],
    "next_cursor": "1",
}
RESCORE: Json = {
    "id": "06611ddbccfb",
    "evaluation": EVALUATION_ID,
    "state": "done",
    "verifier_before": "1.0.0",
    "verifier_after": "1.0.1",
    "judged": 480,
    "total": 480,
    "flipped": 1,
    "summary": {"now_correct": 1, "correct_before": 0.1313, "correct_after": 0.1333},
    "error": None,
    "created_at": SUBMITTED,
    "finished_at": FINISHED,
}
STARTED: Json = {**RESCORE, "state": "running", "judged": 0, "summary": {}, "finished_at": None}
CHANGE: Json = {
    "problem": 3,
    "problem_id": "smoke-003",
    "sample": 2,
    "verdict_before": "wrong",
    "verdict_after": "correct",
    "rule_before": "different numbers",
    "rule_after": "equal numbers",
    "extracted_after": "1/2",
}
CHANGES_CSV = f"{','.join(CHANGE)}\r\n{','.join(map(str, CHANGE.values()))}\r\n"
