"""The habits of the house, checked: import arrows, links, compose file, pinned versions."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md")])


def test_import_arrows_hold() -> None:
    # A process of its own: the linter sets up logging, which silences every logger there is.
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_in_the_docs_lead_somewhere(document: Path) -> None:
    links = LINK.findall(document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_compose_file_names_the_three_parts() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert {"postgres", "server", "dispatcher"} <= set(compose["services"])
    for service in compose["services"].values():
        for published in service.get("ports", []):
            assert published.startswith("127.0.0.1:"), "published on this machine only"


def test_compose_file_is_accepted_by_docker_where_it_is() -> None:
    docker = shutil.which("docker")
    has_compose = docker is not None and (
        subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode
        == 0
    )
    if not has_compose:
        return  # nothing to ask; the structure is checked above
    done = subprocess.run(
        ["docker", "compose", "config", "--quiet"],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/usr/local/bin",
            "EVALSVC_POSTGRES_PASSWORD": "x",
            "EVALSVC_CHECKPOINTS": "/x",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _pins(name: str) -> dict[str, str]:
    lines = (ROOT / "constraints" / name).read_text(encoding="utf-8").splitlines()
    pins = (line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    return {canonicalize_name(package): version for package, version in pins}


@pytest.mark.parametrize(("constraints", "other_engine"), [("cpu.txt", "gpu"), ("gpu.txt", "cpu")])
def test_every_dependency_is_pinned_within_its_range(constraints: str, other_engine: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = _pins(constraints)
    unpinned_extras = {other_engine, "wandb", "mlflow", "tensorboard"}  # exports, tested without
    groups = [project["dependencies"]] + [
        needs
        for extra, needs in project["optional-dependencies"].items()
        if extra not in unpinned_extras
    ]
    for requirement in (Requirement(text) for needs in groups for text in needs):
        if requirement.name == "evalsvc":
            continue
        pinned = pins.get(canonicalize_name(requirement.name))
        assert pinned is not None, f"{requirement.name} is not in constraints/{constraints}"
        assert requirement.specifier.contains(pinned, prereleases=True), str(requirement)
