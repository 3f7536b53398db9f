"""Alembic's entry point. `evalsvc.store.schema` passes the connection; there is no alembic.ini.

Migrations must not import the models, which keep changing: our column types are written into
them as the plain types of the database.
"""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext

from evalsvc.store.models import Base
from evalsvc.store.models.base import UtcDateTime


def render_type(kind: str, value: Any, autogenerate: AutogenContext) -> str | Literal[False]:
    """The Python text of a column's type in a new migration; False for Alembic's own choice."""
    if kind == "type" and isinstance(value, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(value, sa.JSON):
        autogenerate.imports.add("from sqlalchemy.dialects import postgresql")
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    compare_type=True,
    render_as_batch=True,  # SQLite changes a table by copying it
    render_item=render_type,
)
with context.begin_transaction():
    context.run_migrations()
