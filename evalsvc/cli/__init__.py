"""The command line: one file per noun, each imported only when it is used.

The core installation has every client command; a command whose extra is missing names it. Errors
are sentences with a remedy on standard error. Exit codes: 0 success, 1 failure, 2 wrong usage.
"""

import difflib
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

import typer
from typer.core import TyperGroup

from evalsvc import __version__
from evalsvc.cli.failures import explain

# Command -> module of evalsvc.cli, in the order of the help.
COMMANDS = {
    "up": "up",
    "serve": "serve",
    "dispatch": "dispatch",
    "submit": "submit",
    "jobs": "jobs",
    "cancel": "jobs",
    "results": "results",
    "metrics": "metrics",
    "compare": "compare",
    "claim": "claim",
    "power": "power",
    "rank": "rank",
    "score": "score",
    "rescore": "rescore",
    "override": "override",
    "import": "imports",
    "export": "export",
    "watch": "watch",
    "benchmarks": "benchmarks",
    "checkpoints": "checkpoints",
    "workers": "workers",
    "keys": "keys",
    "db": "db",
    "artifacts": "artifacts",
    "doctor": "doctor",
}


class LazyCommands(TyperGroup):
    """Imports a command's module when the command is used."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As usual; a command that does not exist is answered with the nearest ones."""
        name = args[0] if args else ""
        if name not in COMMANDS and not name.startswith("-"):
            near = difflib.get_close_matches(name, COMMANDS, n=3)
            meant = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
            ctx.fail(f"No such command {name!r}.{meant}")
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"evalsvc.cli.{COMMANDS[cmd_name]}")
        group: Any = typer.main.get_group(_app_of(module, cmd_name))
        command = group.commands.get(cmd_name, group)
        command.name = cmd_name
        return command


def _app_of(module: ModuleType, command: str) -> typer.Typer:
    """A module's own commands, or its one function with the command's name."""
    if hasattr(module, "app"):
        found: typer.Typer = module.app
        return found
    wrapped = typer.Typer()
    wrapped.command(command)(getattr(module, command))
    return wrapped


app = typer.Typer(
    cls=LazyCommands,
    help="Evaluate checkpoints of reasoning models, and compare them with error bars.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False,
        "--version",
        callback=_print_version,
        is_eager=True,
        help="Print the version and exit.",
    ),
) -> None:
    """Options of `evalsvc` itself."""


def main() -> None:
    """The entry point `evalsvc`."""
    try:
        app()
    except Exception as error:
        code = explain(error)
        if code is None:
            raise
        sys.exit(code)
