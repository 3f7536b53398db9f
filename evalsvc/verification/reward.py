"""The verifier as a reward function, so that training and evaluation use the same rules.

`trl_reward` is for TRL's `reward_funcs`, `compute_score` for verl's custom reward. Both give 1.0
for `correct` and 0.0 for everything else, timeouts and crashes included: a policy must gain
nothing from an answer that the verifier cannot decide.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from evalsvc.verification import VerificationRequest, default_pool, verify


def trl_reward(
    completions: Sequence[Any],
    answer: Sequence[str],
    *,
    kind: Sequence[str | None] | None = None,
    choices: Sequence[Any] | None = None,
    **_columns: Any,
) -> list[float]:
    """Rewards for a batch of completions.

    Args:
        completions: texts, or conversations (lists of messages) whose last message counts.
        answer: the data set's column of gold answers, one for each completion.
        kind: a column of kinds, where the text of the golds does not settle them.
        choices: a column of option texts, for multiple choice.

    Returns:
        1.0 or 0.0 for each completion, in the same order.

    Raises:
        ValueError: the columns have different lengths.
        VerificationError: a gold is empty or too long, or a kind unknown.

    Examples:
        >>> from evalsvc.verification.reward import trl_reward
        >>> trl_reward([r"So it is \\boxed{1/2}.", r"\\boxed{2}"], answer=["0.5", "0.5"])
        [1.0, 0.0]
    """
    kinds = kind if kind is not None else [None] * len(completions)
    options = choices if choices is not None else [None] * len(completions)
    requests = [
        VerificationRequest(_text(completion), str(gold), given, listed)
        for completion, gold, given, listed in zip(completions, answer, kinds, options, strict=True)
    ]
    return [float(verdict.correct) for verdict in default_pool().stream(requests)]


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
) -> float:
    """The reward of one solution, in verl's signature.

    Args:
        data_source: not used: every data set is judged by the same rules.
        solution_str: the decoded response.
        ground_truth: the gold answer, or a mapping with it under `answer`, `ground_truth` or
            `target`.
        extra_info: may hold `kind` and `choices`.

    Returns:
        1.0 if the solution is correct, otherwise 0.0.

    Raises:
        VerificationError: the gold is empty or too long, or the kind unknown.

    Examples:
        >>> from evalsvc.verification.reward import compute_score
        >>> compute_score("math", r"Hence \\boxed{12}.", "12")
        1.0
    """
    gold = ground_truth
    if isinstance(gold, Mapping):
        gold = next((gold[name] for name in _GOLD_NAMES if name in gold), "")
    extra = extra_info or {}
    verdict = verify(solution_str, str(gold), kind=extra.get("kind"), choices=extra.get("choices"))
    return float(verdict.correct)


_GOLD_NAMES = ("answer", "ground_truth", "target")


def _text(completion: Any) -> object:
    """The text of a completion; for a conversation, that of its last message."""
    if isinstance(completion, str):
        return completion
    if isinstance(completion, Sequence) and completion and isinstance(completion[-1], Mapping):
        return completion[-1].get("content")
    return completion
