"""Names in LaTeX: what prints as itself, and that no two names become one."""

import shutil
import subprocess
from pathlib import Path
from unicodedata import normalize

import pytest

from evalsvc.dashboard.rendering.latex import LatexCell, leaderboard_table
from evalsvc.exports.latex_text import escape, tabular


@pytest.mark.parametrize(
    ("name", "written"),
    [
        (
            "run α→β",
            r"run \ensuremath{\alpha}\ensuremath{\rightarrow}\ensuremath{\beta}",
        ),
        ("ΔΑλ", r"\ensuremath{\Delta}\ensuremath{\mathrm{A}}\ensuremath{\lambda}"),
        ("σ ς ε ϵ ο", " ".join(rf"\ensuremath{{{c}}}" for c in (
            r"\sigma", r"\varsigma", r"\varepsilon", r"\epsilon", "o"
        ))),
        ("é ü Å ç", r"\'{e} \"{u} \r{A} \c{c}"),
        ("e\u0301", r"\'{e}"),
        ("≥ ± ×", r"\ensuremath{\geq} \ensuremath{\pm} \ensuremath{\times}"),
        ("中", r"\texttt{U+4E2D}"),
        ("10²", r"10\texttt{U+00B2}"),
        ("Ϝ", r"\texttt{U+03DC}"),
        ("a\n\tb", "a b"),
        ("a--b_c", r"a{-}{-}b\_c"),
    ],
)  # fmt: skip
def test_a_name_is_written_as_what_prints_it(name: str, written: str) -> None:
    assert escape(name) == written


def test_every_character_is_written_as_ascii_and_none_as_another() -> None:
    written: dict[str, set[str]] = {}
    for character in map(chr, range(0x21, 0x2500)):
        if not character.isspace():
            text = escape(f"x{character}x")
            assert text.isascii()
            written.setdefault(text, set()).add(normalize("NFC", character))
    same = [found for found in written.values() if len(found) > 1]
    assert same == [{"µ", "μ"}, {"Δ", "∆"}], "only what looks alike in print"


def test_the_leaderboard_writes_names_as_the_export_does() -> None:
    table = leaderboard_table(["b"], [("run α→β", [LatexCell(0.5, 0.4, 0.6, bold=False)])], 1, "α")
    assert escape("run α→β") in table
    assert f"against {escape('α')} " in table
    assert table.isascii()


def test_groups_are_parted_by_rules() -> None:
    assert tabular("ll", [[["a", "b"]], [["c", "d"], ["e", "f"]]]).splitlines() == [
        r"\begin{tabular}{ll}", r"\toprule", r"a & b \\", r"\midrule", r"c & d \\", r"e & f \\",
        r"\bottomrule", r"\end{tabular}",
    ]  # fmt: skip


def test_every_command_is_known_to_pdflatex(tmp_path: Path) -> None:
    characters = [c for c in map(chr, range(0x21, 0x2300)) if not c.isspace()]
    assert {c for c in characters if "U+" not in escape(c)} > set("αωΑΩ→±éß")
    compiler = shutil.which("pdflatex")
    if compiler is None:
        return  # what is written is compared above
    body = " \n\n".join(escape(c) for c in characters)
    head = "\\documentclass{article}\n\\usepackage[T1]{fontenc}\n\\begin{document}\n"
    (tmp_path / "all.tex").write_text(f"{head}{body}\n\\end{{document}}\n")
    done = subprocess.run(
        [compiler, "-no-shell-escape", "-halt-on-error", "-interaction=nonstopmode", "all.tex"],
        cwd=tmp_path,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2_000:]
