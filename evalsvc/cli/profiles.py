"""Prints the profile of an evaluation: a table over k, then a line per figure."""

from typing import Any

import typer

from evalsvc.cli.printing import interval, percent, print_table


def show_profile(found: dict[str, Any]) -> None:
    """Print what the samples show beyond pass@k."""
    votes = {vote["k"]: vote["value"] for vote in (found["answers"] or {}).get("votes", [])}
    beliefs = {belief["k"]: belief for belief in found["beliefs"]}
    print_table(
        ("k", "pass^k", "95% (such problems)", "G-pass", "mG-pass", "worst tenth", "Bayes", "maj"),
        [
            (
                row["k"],
                percent(row["pass_hat"]["value"]),
                interval(row["pass_hat"]["interval_population"]),
                percent(row["g_pass_half"]),
                percent(row["mg_pass"]),
                percent(row["worst_tenth"]),
                _belief(beliefs.get(row["k"])),
                percent(votes.get(row["k"])),
            )
            for row in found["consistency"]
        ],
        title="G-pass: at least half of k right; worst tenth and Bayes: of pass@k",
    )
    for forecast in found["extrapolated"]:
        typer.echo(forecast["sentence"])
    for cover in found["cover"]:
        typer.echo(
            f"solved with at least {100 * cover['tau']:g}%: {percent(cover['value'])} of problems "
            f"({interval(cover['interval_population'])} of such problems)"
        )
    for rate in found["rates"]:
        name = rate["flag"].replace("_", " ")
        typer.echo(f"{name}: {percent(rate['value'])} ({interval(rate['interval_population'])})")
    tokens = found["tokens"]
    if tokens["per_sample"] is not None:
        per_correct = tokens["per_correct"]
        cost = "" if per_correct is None else f", {per_correct:,.0f} per correct answer"
        typer.echo(f"tokens: {tokens['per_sample']:,.0f} per sample{cost}")
    for group in found["difficulty"]:
        figures = ", ".join(f"pass@{m['k']} {percent(m['value'])}" for m in group["metrics"])
        typer.echo(f"{group['value']} ({group['problems']} problems): {figures}")
    _show_answers(found["answers"])


def _belief(belief: dict[str, Any] | None) -> str:
    if belief is None:
        return "too few to say"
    return f"{percent(belief['mean'])} ({interval(belief['band'])})"


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
