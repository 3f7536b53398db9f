"""Prints the profile of an evaluation: a table of every metric, then a line per figure."""

from typing import Any

import typer

from evalsvc.cli.printing import in_unit, interval, interval_in_unit, percent, print_table


def show_profile(found: dict[str, Any]) -> None:
    """Print every registered metric, and what the samples show beyond these."""
    print_table(
        ("metric", "value", "95% (these problems)", "95% (such problems)", "problems"),
        [
            (
                figure["name"],
                in_unit(figure["value"], figure["unit"]),
                interval_in_unit(figure["interval_fixed"], figure["unit"]),
                interval_in_unit(figure["interval_population"], figure["unit"]),
                figure["problems"],
            )
            for figure in found["figures"]
        ],
    )
    for left in found["left_out"]:
        typer.echo(f"{left['metric']} is left out: {left['reason']}")
    for belief in found["beliefs"]:
        band = interval(belief["band"])
        typer.echo(f"Bayesian pass@{belief['k']}: {percent(belief['mean'])} ({band})")
    for forecast in found["extrapolated"]:
        typer.echo(forecast["sentence"])
    for cover in found["cover"]:
        typer.echo(
            f"solved with at least {100 * cover['tau']:g}%: {percent(cover['value'])} of problems "
            f"({interval(cover['interval_population'])} of such problems)"
        )
    for group in found["difficulty"]:
        figures = ", ".join(f"pass@{m['k']} {percent(m['value'])}" for m in group["metrics"])
        typer.echo(f"{group['value']} ({group['problems']} problems): {figures}")
    _show_answers(found["answers"])


def _show_answers(answers: dict[str, Any] | None) -> None:
    if answers is None:
        typer.echo("Note: this evaluation has counts only, so there are no answers to vote with.")
        return
    typer.echo(
        f"answers: {answers['distinct_answers']:.1f} different ones a problem, entropy "
        f"{answers['entropy']:.2f} bits"
    )
    if answers["settled"]:
        typer.echo(
            f"votes: {answers['settled']} of {len(answers['problems'])} are settled, half of them "
            f"by {answers['median_samples_for_majority']:.0f} samples or fewer"
        )
