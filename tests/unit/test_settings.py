"""Settings: variables over the file over defaults; what cannot be used is named."""

from pathlib import Path

import pytest

from evalsvc.errors import UsageError
from evalsvc.settings import Settings, load_settings


def written(folder: Path, text: str) -> Path:
    (folder / "evalsvc.toml").write_text(text, encoding="utf-8")
    return folder


def test_defaults_are_those_of_a_machine_of_ones_own(tmp_path: Path) -> None:
    settings = load_settings({}, tmp_path)
    assert settings == Settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8420)
    assert settings.resolved_server == "http://127.0.0.1:8420"
    assert settings.resolved_database_url == f"sqlite:///{Path('var/evalsvc.db').absolute()}"
    assert settings.resolved_artifacts == str(Path("var/artifacts").absolute())


def test_variables_go_over_the_file_and_empty_ones_do_not_count(tmp_path: Path) -> None:
    folder = written(tmp_path, 'port = 9000\nengine = "replay"\n')
    settings = load_settings({"EVALSVC_PORT": "9001", "EVALSVC_ENGINE": ""}, folder)
    assert (settings.port, settings.engine) == (9001, "replay")


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_postgresql_is_reached_by_the_driver_that_is_installed(scheme: str) -> None:
    settings = Settings(database_url=f"{scheme}://user@host/name")
    assert settings.resolved_database_url == "postgresql+psycopg://user@host/name"


def test_folders_are_separated_like_paths(tmp_path: Path) -> None:
    settings = load_settings({"EVALSVC_CHECKPOINT_ROOTS": f"{tmp_path}:/b::"}, tmp_path)
    assert settings.allowed_roots == (tmp_path.resolve(), Path("/b"))


@pytest.mark.parametrize(
    ("text", "environ", "words"),
    [
        ("port = 70000", {}, "EVALSVC_PORT"),
        ("prt = 1", {}, "'prt'"),
        ("port = ", {}, "not valid TOML"),
        ("", {"EVALSVC_WORKERS": "many"}, "EVALSVC_WORKERS"),
    ],
)
def test_what_cannot_be_used_is_named(
    text: str, environ: dict[str, str], words: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        load_settings(environ, written(tmp_path, text))
    assert words in str(caught.value)
    assert caught.value.remedy
