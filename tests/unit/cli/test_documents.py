"""The documents name everything there is: settings, commands, routes."""

from pathlib import Path

from fastapi.routing import APIRoute

from evalsvc.cli import COMMANDS
from evalsvc.server.app import create_app
from evalsvc.settings import PREFIX, Settings
from evalsvc.store.database import Database

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_every_setting_is_documented() -> None:
    text = (DOCS / "settings.md").read_text()
    missing = [name for name in Settings.model_fields if f"`{PREFIX}{name.upper()}`" not in text]
    assert missing == []


def test_every_command_is_documented() -> None:
    text = (DOCS / "cli.md").read_text()
    assert [name for name in COMMANDS if f"`{name}" not in text] == []


def test_every_noun_of_the_api_is_documented(tmp_path: Path) -> None:
    text = (DOCS / "api.md").read_text()
    settings = Settings(data=tmp_path)
    app = create_app(settings, Database(settings.resolved_database_url), pages=False)
    paths = {path for path in app.openapi()["paths"] if path.startswith("/v1/")}
    assert len(paths) > 25
    assert [path for path in paths if path.split("/")[2] not in text] == []
    assert not [r for r in app.routes if isinstance(r, APIRoute) and not r.endpoint.__doc__]
