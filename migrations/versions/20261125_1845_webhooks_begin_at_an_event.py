"""webhooks begin at an event: their deliveries do not depend on the clocks of two machines."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "webhooks_begin_at_an_event"
down_revision: str | None = "initial"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BEGIN = """
UPDATE webhooks SET after_event = COALESCE(
    (SELECT MAX(events.id) FROM events WHERE events.at < webhooks.created_at), 0
)
"""


def upgrade() -> None:
    with op.batch_alter_table("webhooks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("after_event", BIG, server_default="0"))
    op.execute(BEGIN)
    with op.batch_alter_table("webhooks", schema=None) as batch_op:
        batch_op.alter_column("after_event", nullable=False, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("webhooks", schema=None) as batch_op:
        batch_op.drop_column("after_event")
