"""A-GRAE: asymmetric group-relative advantages (arXiv:2602.05548, equations 11 to 13).

For binary rewards r_i, the G answers of one prompt, success rate p and the batch's mean reward ω:

    A_i  = ω/2 · (r_i − mean)/(std·√p) + (1 − ω)/2 · (r_i − mean)/(std·√(1 − p))    (11, 12)
    A*_i = A_i · min(1, ω/α)   where A_i > 0,   A_i otherwise                        (13)

The first line shifts attention from easy prompts (ω small) to hard ones ("sample level"); the
second damps what is already correct while the policy is weak ("group level"). Groups whose answers
all score alike have the advantage 0. docs/trainers.md says where the published code differs.

Everything is computed in float64 on the CPU and is constant for the gradient, as GRPO has it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Array = TypeVar("Array")  # a numpy array, a torch tensor, or nested lists (which give numpy)
Level = Literal["full", "sample", "group", "none"]
Control = Literal["positive-dominant", "negative-dominant", "hard-focused", "easy-focused"]
ROUNDING = 1e-6  # weighted sums of float32 rewards may leave [0, 1] by so much
CONTROL_FACTOR = 10.0  # section 4: positive advantages times or divided by ten


def asymmetric_advantages(
    rewards: Array,
    group_size: int,
    alpha: float = 1.0,
    *,
    level: Level = "full",
    normalise_std: bool = True,
    ddof: int = 0,
) -> Array:
    """A-GRAE advantages of a whole batch.

    Args:
        rewards: in [0, 1], shape (B·G,) in prompt-major order or (B, G); NaN marks an answer that
            could not be scored: it counts nowhere and has the advantage 0.
        group_size: G, the answers per prompt; at least 2.
        alpha: α > 0 of equation 13; the paper has 1 for MATH, 0.5 for Geo3K and medicine.
        level: "full"; the paper's ablations "sample" (equation 12 alone) and "group" (equation 13
            on plain GRPO advantages); "none" is plain GRPO.
        normalise_std: divide by the group's standard deviation; False for Dr.GRPO.
        ddof: 0 for the population's standard deviation, √(p(1 − p)) for binary rewards, on which
            the paper's symmetries rest; 1 for the estimate that verl and TRL use.

    Returns:
        The advantages, of the type, shape, device and floating-point type of `rewards`.

    Raises:
        ValueError: with the reason, if an argument is out of its range.
    """
    if level not in ("full", "sample", "group", "none"):
        raise ValueError(f"level is 'full', 'sample', 'group' or 'none', not {level!r}")

    def shape(values: Floats) -> Floats:
        groups = _group_numbers(values.size, group_size)
        return shaped_advantages(
            values, groups, alpha, level=level, normalise_std=normalise_std, ddof=ddof
        )

    return _apply(rewards, group_size, shape)


def control_advantages(
    rewards: Array,
    group_size: int,
    control: Control,
    *,
    normalise_std: bool = True,
    ddof: int = 0,
) -> Array:
    """Advantages of the paper's control study (section 4), each an asymmetry on its own.

    "positive-dominant" and "negative-dominant" multiply and divide positive advantages by 10;
    "hard-focused" is A/(2√p), "easy-focused" A/(2√(1 − p)). Arguments, result and errors are those
    of `asymmetric_advantages`.
    """
    import numpy as np  # noqa: PLC0415 - the trainer's environment has it, the light core need not

    def shape(values: Floats) -> Floats:
        groups = _group_numbers(values.size, group_size)
        plain, p = _plain(values, groups, normalise_std, ddof)
        match control:
            case "positive-dominant":
                return np.where(plain > 0, plain * CONTROL_FACTOR, plain)
            case "negative-dominant":
                return np.where(plain > 0, plain / CONTROL_FACTOR, plain)
            case "hard-focused":
                return _rescaled(plain, p, hard=1.0)
            case "easy-focused":
                return _rescaled(plain, p, hard=0.0)
            case _:
                raise ValueError(f"there is no control {control!r}; see control_advantages")

    return _apply(rewards, group_size, shape)


def shaped_advantages(
    rewards: Floats,
    groups: NDArray[np.intp],
    alpha: float,
    *,
    level: Level = "full",
    normalise_std: bool = True,
    ddof: int = 0,
) -> Floats:
    """The core of `asymmetric_advantages` for groups of any sizes.

    `rewards` and `groups` have the shape (N,); `groups` holds each answer's prompt, numbered from
    0. ω is the mean over all answers, as equation 11 has it.
    """
    import numpy as np  # noqa: PLC0415

    if not (np.isfinite(alpha) and alpha > 0):
        raise ValueError(f"alpha must be a positive number, not {alpha!r}")
    scored = rewards[~np.isnan(rewards)]
    if scored.size and (scored.min() < -ROUNDING or scored.max() > 1 + ROUNDING):
        raise ValueError(
            f"A-GRAE takes rewards in [0, 1], as p and omega are success rates; these lie in "
            f"[{scored.min():g}, {scored.max():g}]. Rescale the reward functions."
        )
    omega = float(scored.mean()) if scored.size else 0.0
    advantages, p = _plain(rewards, groups, normalise_std, ddof)
    if level in ("full", "sample"):
        advantages = _rescaled(advantages, p, hard=omega)
    if level in ("full", "group"):
        damping = min(1.0, omega / alpha)
        advantages = np.where(advantages > 0, advantages * damping, advantages)
    return advantages


def _plain(
    rewards: Floats, groups: NDArray[np.intp], normalise_std: bool, ddof: int
) -> tuple[Floats, Floats]:
    """GRPO's advantages (Dr.GRPO's without the std), and each answer's group mean p."""
    import numpy as np  # noqa: PLC0415

    known = ~np.isnan(rewards)
    values = np.where(known, rewards, 0.0)
    number = int(groups.max()) + 1 if groups.size else 0
    count = np.bincount(groups[known], minlength=number)
    mean = np.bincount(groups, values, number) / np.maximum(count, 1)
    deviation = np.where(known, values - mean[groups], 0.0)
    variance = np.bincount(groups, deviation**2, number) / np.maximum(count - ddof, 1)
    # Exactly equal rewards, and not a small std, make a group void: no epsilon is needed.
    low, high = np.full(number, np.inf), np.full(number, -np.inf)
    np.minimum.at(low, groups[known], rewards[known])
    np.maximum.at(high, groups[known], rewards[known])
    mixed = (high > low)[groups] & known
    scale = np.sqrt(variance)[groups] if normalise_std else np.ones_like(values)
    plain = np.divide(deviation, scale, out=np.zeros_like(values), where=mixed)
    return plain, mean[groups]


def _rescaled(plain: Floats, p: Floats, hard: float) -> Floats:
    """Equation 12: `hard`·A/(2√p) + (1 − `hard`)·A/(2√(1 − p)); left out for p in {0, 1}."""
    import numpy as np  # noqa: PLC0415

    inside = (p > 0) & (p < 1)
    q = np.where(inside, p, 0.5)
    weight = hard / (2 * np.sqrt(q)) + (1 - hard) / (2 * np.sqrt(1 - q))
    return np.where(inside, plain * weight, plain)


def _group_numbers(size: int, group_size: int) -> NDArray[np.intp]:
    import numpy as np  # noqa: PLC0415

    return np.arange(size, dtype=np.intp) // group_size


def _apply(rewards: Array, group_size: int, shape: Callable[[Floats], Floats]) -> Array:
    """Run `shape` on flat float64 rewards; give the result the form that `rewards` has."""
    import numpy as np  # noqa: PLC0415

    is_tensor = type(rewards).__module__.partition(".")[0] == "torch"
    given: Any = rewards
    values = given.detach().cpu().double().numpy() if is_tensor else np.asarray(given, np.float64)
    _check_shape(values.shape, group_size)
    if np.isinf(values).any():
        raise ValueError("a reward is infinite; mark answers that cannot be scored with NaN")
    result = shape(values.reshape(-1)).reshape(values.shape)
    if is_tensor:
        import torch  # noqa: PLC0415 - only where the caller has it already

        dtype = given.dtype if given.is_floating_point() else torch.get_default_dtype()
        tensor: Any = torch.from_numpy(result).to(dtype=dtype, device=given.device)
        return tensor  # type: ignore[no-any-return]
    kind = getattr(given, "dtype", None)
    keep = kind is not None and np.issubdtype(kind, np.floating)
    array: Any = result.astype(kind) if keep else result
    return array  # type: ignore[no-any-return]


def _check_shape(shape: tuple[int, ...], group_size: int) -> None:
    if group_size < 2:
        raise ValueError(f"group_size must be at least 2, not {group_size}: one answer has no peer")
    if len(shape) == 2 and shape[1] != group_size:
        raise ValueError(f"rewards of shape {shape} do not hold groups of {group_size}")
    if len(shape) not in (1, 2):
        raise ValueError(f"rewards have the shape (B·G,) or (B, G), not {shape}")
    if len(shape) == 1 and shape[0] % group_size:
        raise ValueError(
            f"{shape[0]} rewards are no whole number of groups of {group_size}; "
            "pass the whole batch, gathered over all processes"
        )
