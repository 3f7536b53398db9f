"""The habits of the house, checked: import arrows, links, compose file, pinned versions."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# Methods of a session that read or write. `Session` itself may be named: it is the transaction.
SESSION_METHODS = frozenset(
    {
        *("add", "add_all", "begin", "commit", "connection", "delete", "execute", "expire"),
        *("expunge", "flush", "get", "get_bind", "get_one", "merge", "query", "refresh"),
        *("rollback", "scalar", "scalars"),
    }
)
# Both are hooks under the name that each trainer's users expect.
SHARED_NAMES = {"EvaluationCallback"}
FILLED_LATER = frozenset({"dict", "list", "set", "OrderedDict", "defaultdict", "deque"})
STATEMENTS = frozenset({"select", "insert", "update", "delete", "text", "exists"})
ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md")])


def test_import_arrows_hold() -> None:
    # A process of its own: the linter sets up logging, which silences every logger there is.
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def queries_in(source: str) -> Iterator[str]:
    """Each place where a module queries the database itself, as `line: what`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names if _is_sqlalchemy(alias.name)]
        elif isinstance(node, ast.ImportFrom):
            found = [node.module] if _is_sqlalchemy(node.module or "") else []
        elif isinstance(node, ast.Call):
            found = [name] if _is_query(name := _called(node.func)) else []
        else:
            continue
        yield from (f"{node.lineno}: {name}" for name in found)


def _called(function: ast.expr) -> str:
    """`select` as it is; `session.get` and `ask.session.get` both as `session.get`."""
    if isinstance(function, ast.Name):
        return function.id
    if isinstance(function, ast.Attribute):
        owner = function.value
        if isinstance(owner, ast.Name | ast.Attribute):
            name = owner.id if isinstance(owner, ast.Name) else owner.attr
            return f"{name}.{function.attr}"
    return ""


def _is_query(name: str) -> bool:
    owner, _, method = name.partition(".")
    return name in STATEMENTS or (owner.endswith("session") and method in SESSION_METHODS)


def _is_sqlalchemy(module: str) -> bool:
    return module.partition(".")[0] == "sqlalchemy"


def test_only_the_store_asks_the_database() -> None:
    modules = [
        path
        for path in (ROOT / "evalsvc").rglob("*.py")
        if "store" not in path.relative_to(ROOT / "evalsvc").parts[:1]
    ]
    assert len(modules) > 300
    found = {
        path.relative_to(ROOT).as_posix(): places
        for path in modules
        if (places := list(queries_in(path.read_text(encoding="utf-8"))))
    }
    assert found == {}


@pytest.mark.parametrize(
    "statement",
    [
        "rows = ask.session.scalars(select(Run))",
        "row = session.get(Run, 1)",
        "session.execute(statement)",
        "session.flush()",
        "statement = select(Run).where(Run.id == 1)",
        "from sqlalchemy import func",
        "from sqlalchemy.orm import Session",
        "import sqlalchemy",
        "with database.write() as session:\n    session.add(row)",
    ],
)
def test_a_query_in_a_page_is_found(statement: str) -> None:
    page = ROOT / "evalsvc" / "dashboard" / "pages" / "run.py"
    source = page.read_text(encoding="utf-8")
    assert list(queries_in(source)) == []
    assert list(queries_in(f"{source}\n{statement}\n")) != []


def test_a_class_name_means_one_class() -> None:
    """Private ones are their module's own affair.

    A model may have the name of what it stores: a row of `Problem` is a problem.
    """
    places: dict[str, list[str]] = {}
    for path in (ROOT / "evalsvc").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(path.relative_to(ROOT).as_posix())
    twice = {
        name
        for name, found in places.items()
        if len([p for p in found if not p.startswith("evalsvc/store/models/")]) > 1
    }
    assert twice == SHARED_NAMES


def test_caches_and_registries_belong_to_the_application() -> None:
    found = [
        f"{path.relative_to(ROOT).as_posix()}:{line}"
        for package in ("api", "dashboard", "server", "services")
        for path in (ROOT / "evalsvc" / package).rglob("*.py")
        for line in mutable_globals(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_a_cache_in_a_module_is_found() -> None:
    source = "A = Memo()\n_b: set[str] = set()\nc = {}\nD = ('x',)\n_e = cachetools.LRUCache(2)\n"
    assert list(mutable_globals(source)) == [1, 2, 3, 5]


def mutable_globals(source: str) -> Iterator[int]:
    """The lines on which a module makes something for itself that is filled later."""
    for node in ast.parse(source).body:
        if not isinstance(node, ast.Assign | ast.AnnAssign):
            continue
        value = node.value
        if isinstance(value, ast.Call):
            name = _called(value.func).rpartition(".")[2]
            is_filled_later = name in FILLED_LATER or name.endswith(("Cache", "Memo"))
        else:
            is_filled_later = isinstance(value, ast.Dict | ast.List) and not list(
                ast.iter_child_nodes(value)
            )
        if is_filled_later:
            yield node.lineno


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
