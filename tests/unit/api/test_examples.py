"""The OpenAPI document shows an example of every answer, and each is what its route answers."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from evalsvc.server.app import create_app
from evalsvc.settings import Settings
from evalsvc.store.database import Database


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    settings = Settings(data=Path(tmp_path_factory.mktemp("examples")))
    app = create_app(settings, Database(settings.resolved_database_url), pages=False)
    assert app.openapi() is app.openapi()
    return app.openapi()


def answers(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Media types of the good answers by route and type."""
    return {
        f"{method.upper()} {path} {media}": content
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        for status, answer in operation["responses"].items()
        if status.startswith("2")
        for media, content in answer.get("content", {}).items()
    }


def test_every_answer_has_an_example_that_fits_its_schema(document: dict[str, Any]) -> None:
    found = answers(document)
    assert len(found) > 35
    assert [route for route, content in found.items() if "example" not in content] == []
    for route, content in found.items():
        schema = {**content.get("schema", {}), "components": document["components"]}
        mistakes = list(Draft202012Validator(schema).iter_errors(content["example"]))
        assert mistakes == [], (route, mistakes)


def test_json_examples_name_every_field_that_their_objects_must_have(
    document: dict[str, Any],
) -> None:
    """A field that the schema does not know would be a leftover of a former version."""
    for route, content in answers(document).items():
        reference = content.get("schema", {}).get("$ref")
        if reference is None:
            continue
        schema = document["components"]["schemas"][reference.rpartition("/")[2]]
        assert set(content["example"]) <= set(schema["properties"]), route


def test_every_body_has_an_example(document: dict[str, Any]) -> None:
    for operations in document["paths"].values():
        for operation in operations.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                name = content["schema"]["$ref"].rpartition("/")[2]
                assert document["components"]["schemas"][name]["examples"], name
