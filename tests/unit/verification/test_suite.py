"""Accuracy on the labelled suite, printed by benchmark and kind (`pytest -s` shows the table)."""

from collections import Counter

from evalsvc.verification import VerificationPool
from tests.unit.verification.suite import cases


def test_labelled_suite() -> None:
    labelled = cases()
    tally: dict[tuple[str, str], Counter[str]] = {}
    mistakes, times = [], []
    with VerificationPool(processes=1) as pool:
        for case in labelled:
            verdict = pool.verify(
                case.response, case.gold, kind=case.given_kind, choices=case.choices
            )
            times.append(verdict.ms)
            counts = tally.setdefault((case.benchmark, case.kind), Counter())
            counts["cases"] += 1
            if verdict.correct != case.correct:
                counts["false accepts" if verdict.correct else "false rejects"] += 1
                mistakes.append((case, verdict.rule))
    print(
        f"\n{'benchmark':12} {'kind':12} {'cases':>6} {'false accepts':>14} {'false rejects':>14}"
    )
    for (benchmark, kind), counts in sorted(tally.items()):
        shares = (
            f"{counts[name] / counts['cases']:14.2%}" for name in ("false accepts", "false rejects")
        )
        print(f"{benchmark:12} {kind:12} {counts['cases']:6} {' '.join(shares)}")
    accepts = sum(counts["false accepts"] for counts in tally.values())
    assert len(labelled) >= 1_000
    assert len(mistakes) <= 0.005 * len(labelled), mistakes[:20]
    assert accepts <= 0.002 * len(labelled), mistakes[:20]
    assert sorted(times)[int(0.99 * len(times))] <= 250


def test_labels_are_not_one_sided() -> None:
    labels = Counter(case.correct for case in cases())
    assert min(labels.values()) > 0.3 * sum(labels.values())
