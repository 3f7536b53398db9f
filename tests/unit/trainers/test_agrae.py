"""A-GRAE against groups computed by hand, the closed forms of the paper, and real gradients."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.trainers.agrae import asymmetric_advantages, control_advantages

# Two groups of four: p = 1/4 and 3/4, so that ω = 1/2. Population std is √(3/16) in both.
TWO_GROUPS = [1, 0, 0, 0, 1, 1, 1, 0]
ROOT3 = math.sqrt(3)


def test_hand_computed_groups() -> None:
    # GRPO: in the first group √3 for the right answer, -1/√3 for each wrong one; mirrored after.
    plain = asymmetric_advantages(np.array(TWO_GROUPS, float), 4, level="none")
    first, second = [ROOT3, *[-1 / ROOT3] * 3], [*[1 / ROOT3] * 3, -ROOT3]
    np.testing.assert_allclose(plain, first + second)

    # Equation 12, both groups: ω/(2√p) + (1-ω)/(2√(1-p)) = 1/4·(2 + 2/√3) = 1/2 + 1/(2√3).
    weight = 0.5 + 0.5 / ROOT3
    sample = asymmetric_advantages(np.array(TWO_GROUPS, float), 4, level="sample")
    np.testing.assert_allclose(sample, weight * np.array(first + second))

    # Equation 13 with α = 1: positive ones times ω = 1/2.
    full = asymmetric_advantages(np.array(TWO_GROUPS, float), 4, 1.0)
    by_hand = [weight * (a / 2 if a > 0 else a) for a in first + second]
    np.testing.assert_allclose(full, by_hand)

    # α = 0.5 is reached by ω: nothing is damped.
    np.testing.assert_allclose(asymmetric_advantages(np.array(TWO_GROUPS, float), 4, 0.5), sample)

    # The group level alone: plain GRPO, positive ones halved.
    group = asymmetric_advantages(np.array(TWO_GROUPS, float), 4, level="group")
    np.testing.assert_allclose(group, [a / 2 if a > 0 else a for a in first + second])


def test_unequal_difficulty_by_hand() -> None:
    # p = 1/2 and 0: ω = 1/4, the second group is void. A = ±1 · (1/8 + 3/8)·√2 = ±1/√2.
    result = asymmetric_advantages(np.array([1, 0, 0, 0], float), 2)
    np.testing.assert_allclose(result, [0.25 / math.sqrt(2), -1 / math.sqrt(2), 0, 0])


def test_dr_grpo_leaves_out_the_standard_deviation() -> None:
    plain = asymmetric_advantages([1, 0, 0, 0], 4, level="none", normalise_std=False)
    np.testing.assert_allclose(plain, [0.75, -0.25, -0.25, -0.25])
    full = asymmetric_advantages([1, 0, 0, 0], 4, normalise_std=False)
    weight = 0.25 / 2 / 0.5 + 0.75 / 2 / (ROOT3 / 2)
    np.testing.assert_allclose(full, weight * np.array([0.75 / 4, -0.25, -0.25, -0.25]))


def test_sample_standard_deviation_on_request() -> None:
    rewards = np.array([1.0, 0, 0, 0])
    result = asymmetric_advantages(rewards, 4, level="none", ddof=1)
    np.testing.assert_allclose(result, (rewards - 0.25) / rewards.std(ddof=1))


def test_controls_by_hand() -> None:
    rewards, q = [1, 0, 0, 0], ROOT3 / 2  # p = 1/4, √p = 1/2, √(1-p) = √3/2
    plain = np.array([ROOT3, *[-1 / ROOT3] * 3])
    tenfold, tenth = plain.copy(), plain.copy()
    tenfold[0] *= 10
    tenth[0] /= 10
    np.testing.assert_allclose(control_advantages(rewards, 4, "positive-dominant"), tenfold)
    np.testing.assert_allclose(control_advantages(rewards, 4, "negative-dominant"), tenth)
    np.testing.assert_allclose(control_advantages(rewards, 4, "hard-focused"), plain)
    np.testing.assert_allclose(control_advantages(rewards, 4, "easy-focused"), plain / (2 * q))


@pytest.mark.parametrize("reward", [0.0, 0.1, 0.3, 1.0])
def test_groups_without_contrast_are_void_also_in_single_precision(reward: float) -> None:
    for level in ("full", "sample", "group", "none"):
        rewards = np.full(24, reward, np.float32)
        assert not asymmetric_advantages(rewards, 8, level=level).any()


binary_batches = st.integers(2, 9).flatmap(
    lambda g: st.tuples(
        st.just(g),
        st.lists(st.lists(st.integers(0, 1), min_size=g, max_size=g), min_size=1, max_size=6),
    )
)


@settings(max_examples=40, deadline=None)
@given(binary_batches, st.floats(0.1, 2))
def test_equations_11_to_13_element_by_element(batch, alpha: float) -> None:
    size, groups = batch
    omega = np.mean(groups)
    expected = []
    for group in groups:
        p = sum(group) / size
        for r in group:
            if p in (0, 1):
                expected.append(0.0)
                continue
            base = (r - p) / math.sqrt(p * (1 - p))
            a = omega / 2 * base / math.sqrt(p) + (1 - omega) / 2 * base / math.sqrt(1 - p)
            expected.append(a * min(1, omega / alpha) if a > 0 else a)
    result = asymmetric_advantages(np.array(groups, float), size, alpha)
    np.testing.assert_allclose(result.ravel(), expected, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(binary_batches)
def test_plain_groups_are_symmetric_and_the_damped_ones_are_not(batch) -> None:
    size, groups = batch
    rewards = np.array(groups, float)
    plain = asymmetric_advantages(rewards, size, level="none")
    np.testing.assert_allclose(plain.sum(axis=1), 0, atol=1e-9)
    damped = asymmetric_advantages(rewards, size).sum(axis=1)
    mixed = rewards.std(axis=1) > 0
    assert (damped[mixed] < 0).all()


def test_weight_of_a_prompt_by_its_difficulty() -> None:
    """Σ|A| over a group: GRPO 2G√(p(1-p)), highest at p = 1/2; A-GRAE moves the top with ω."""
    size = 16
    rates = np.arange(1, size) / size
    groups = np.array([[1.0] * k + [0.0] * (size - k) for k in range(1, size)])
    plain = np.abs(asymmetric_advantages(groups, size, level="none")).sum(axis=1)
    np.testing.assert_allclose(plain, 2 * size * np.sqrt(rates * (1 - rates)))
    hard = np.abs(control_advantages(groups, size, "hard-focused")).sum(axis=1)
    easy = np.abs(control_advantages(groups, size, "easy-focused")).sum(axis=1)
    np.testing.assert_allclose(hard, size * np.sqrt(1 - rates))
    np.testing.assert_allclose(easy, size * np.sqrt(rates))
    tops = []
    for others in (np.zeros((9, size)), groups, np.ones((9, size))):  # ω grows from row to row
        batch = np.vstack([groups, others])
        mixed = np.abs(asymmetric_advantages(batch, size, level="sample")).sum(axis=1)[: size - 1]
        omega = batch.mean()
        closed = size * (omega * np.sqrt(1 - rates) + (1 - omega) * np.sqrt(rates))
        np.testing.assert_allclose(mixed, closed)
        tops.append(rates[mixed.argmax()])
    assert all(later < earlier for earlier, later in pairwise(tops))


def logit_gradient(advantages: torch.Tensor) -> torch.Tensor:
    """Gradient of ΣA·log π at a uniform policy over six actions; 0..3 were sampled, 4, 5 not."""
    logits = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    log_policy = torch.log_softmax(logits, dim=0)
    (advantages * log_policy[torch.arange(4)]).sum().backward()
    assert logits.grad is not None
    return logits.grad


def test_gradient_of_unsampled_actions() -> None:
    """The paper's group-level symmetry: GRPO leaves unsampled logits; suppression raises them."""
    rewards = torch.tensor([1.0, 0, 0, 1], dtype=torch.float64)
    unsampled = slice(4, 6)
    plain = logit_gradient(asymmetric_advantages(rewards, 4, level="none"))
    torch.testing.assert_close(plain[unsampled], torch.zeros(2, dtype=torch.float64))
    assert (logit_gradient(asymmetric_advantages(rewards, 4))[unsampled] > 0).all()
    assert (
        logit_gradient(control_advantages(rewards, 4, "negative-dominant"))[unsampled] > 0
    ).all()
    assert (
        logit_gradient(control_advantages(rewards, 4, "positive-dominant"))[unsampled] < 0
    ).all()


def test_answers_without_a_score_count_nowhere() -> None:
    with_hole = asymmetric_advantages(np.array([1, 0, math.nan, 0, 1, 1, 0, 0]), 4)
    assert with_hole[2] == 0
    assert not np.isnan(with_hole).any()
    p = 1 / 3
    omega = 3 / 7
    weight = omega / 2 / math.sqrt(p) + (1 - omega) / 2 / math.sqrt(1 - p)
    assert with_hole[0] == pytest.approx(omega * weight * (1 - p) / math.sqrt(p * (1 - p)))
    assert not asymmetric_advantages(np.full(4, math.nan), 4).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_numpy_in_numpy_out(dtype: type) -> None:
    result: Any = asymmetric_advantages(np.array([[1, 0], [0, 0]], dtype), 2)
    assert (result.dtype, result.shape) == (dtype, (2, 2))
    assert asymmetric_advantages(np.array([1, 0]), 2).dtype == np.float64


def test_torch_in_torch_out() -> None:
    rewards = torch.tensor(TWO_GROUPS, dtype=torch.float32)
    result = asymmetric_advantages(rewards, 4)
    assert result.dtype == torch.float32
    np.testing.assert_allclose(result, asymmetric_advantages(TWO_GROUPS, 4), rtol=1e-6)
    assert asymmetric_advantages(torch.tensor(TWO_GROUPS), 4).dtype == torch.float32


@pytest.mark.parametrize(
    ("rewards", "options", "words"),
    [
        ([1, 0, 1], {"group_size": 2}, "whole number of groups"),
        ([1, 0], {"group_size": 1}, "at least 2"),
        ([[1, 0, 1]], {"group_size": 2}, "do not hold groups"),
        ([[[1, 0]]], {"group_size": 2}, "shape"),
        ([1, -1], {"group_size": 2}, "Rescale the reward"),
        ([1, math.inf], {"group_size": 2}, "infinite"),
        ([1, 0], {"group_size": 2, "alpha": 0}, "alpha"),
        ([1, 0], {"group_size": 2, "alpha": math.nan}, "alpha"),
        ([1, 0], {"group_size": 2, "level": "both"}, "level"),
    ],
)
def test_misuse_is_told(rewards, options, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        asymmetric_advantages(rewards, **options)
    with pytest.raises(ValueError, match="no control"):
        control_advantages([1, 0], 2, "unknown")  # type: ignore[arg-type]  # what is refused
