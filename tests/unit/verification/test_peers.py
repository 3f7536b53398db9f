"""The kinds of other graders' tests: all right, and none accepted that is wrong."""

from collections import Counter

from evalsvc.verification import VerificationPool, VerificationRequest
from tests.real_data import real_data
from tests.unit.verification.fuzzer import attempts
from tests.unit.verification.suite_peers import peer_cases

LEAST_OF_A_KIND = 40
EXCEPTED = {"choice without texts": 20}
ATTEMPTS = 4_000


def test_peer_kinds() -> None:
    cases = peer_cases()
    requests = [VerificationRequest(c.text, c.gold, choices=c.choices or None) for c in cases]
    with VerificationPool(processes=1) as pool:
        verdicts = pool.verify_many(requests)
    wrong = [
        (case.kind, case.gold, case.answer or case.response, verdict.rule)
        for case, verdict in zip(cases, verdicts, strict=True)
        if verdict.correct != case.correct
    ]
    assert wrong == []
    counts = Counter(case.kind for case in cases)
    assert all(n >= EXCEPTED.get(kind, LEAST_OF_A_KIND) for kind, n in counts.items()), counts


def test_no_string_that_a_policy_may_find_is_accepted() -> None:
    found = list(attempts(seed=18, number=ATTEMPTS))
    requests = [VerificationRequest(a.response, a.gold, choices=a.choices or None) for a in found]
    with VerificationPool(processes=1) as pool:
        verdicts = pool.verify_many(requests)
    accepted = [
        (attempt.how, attempt.gold, attempt.response, verdict.rule)
        for attempt, verdict in zip(found, verdicts, strict=True)
        if verdict.correct or verdict.verdict == "crashed"
    ]
    assert accepted == []
    assert len({attempt.response for attempt in found}) > ATTEMPTS / 2


def test_labelled_cases_from_elsewhere() -> None:
    """371 cases that were labelled without sight of this code."""
    import json  # noqa: PLC0415

    lines = real_data("verification", "cases.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [json.loads(line) for line in lines]
    requests = [
        VerificationRequest(case["response"], case["gold"], choices=case.get("choices"))
        for case in cases
    ]
    with VerificationPool(processes=1) as pool:
        verdicts = pool.verify_many(requests)
    wrong = [
        (case["id"], case["kind"], verdict.rule)
        for case, verdict in zip(cases, verdicts, strict=True)
        if verdict.correct != case["correct"]
    ]
    assert len(cases) == 371
    assert wrong == []
