"""What a transport remembers: the answers it gave, and bytes that were no message."""

import sqlalchemy as sa
from alembic import op

from gem_integration.storage.columns import Key, UtcDateTime, Words, identifier

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

REASONS = (
    "outside_frame",
    "no_end",
    "half_frame",
    "oversize",
    "oversize_rest",
    "no_room",
    "no_header",
    "unacceptable",
    "conflict",
    "defect",
)

#: One row an answer, with the message it answers.
ACKNOWLEDGEMENTS = """
CREATE VIEW v_acknowledgements AS
SELECT
    a.acknowledgement_id, a.source, a.message_id, a.code, a.acknowledged_at, a.repeats,
    a.message_sha256, b.size_bytes AS message_size_bytes, m.message_row_id
FROM acknowledgements a
JOIN blobs b ON b.sha256 = a.message_sha256
LEFT JOIN inbound_messages m ON m.source = a.source AND m.message_id = a.message_id
    AND m.blob_sha256 = a.message_sha256
"""

#: One row for the same bytes from one source, why they were no message, and how often they came.
QUARANTINE = """
CREATE VIEW v_quarantine AS
SELECT
    q.quarantine_id, q.reason, q.source, q.count, q.size_bytes, b.size_bytes AS kept_bytes,
    q.first_seen_at, q.last_seen_at, q.blob_sha256
FROM quarantine q
JOIN blobs b ON b.sha256 = q.blob_sha256
"""


def upgrade() -> None:
    """Create the tables and their views."""
    op.create_table(
        "acknowledgements",
        sa.Column("acknowledgement_id", identifier(), nullable=False),
        sa.Column("source", Key(), nullable=False),
        sa.Column("message_id", Key(), nullable=False),
        sa.Column("message_sha256", sa.String(64), nullable=False),
        sa.Column("code", Words(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_sha256"], ["blobs.sha256"], name="fk_acknowledgements_message_sha256"
        ),
        sa.PrimaryKeyConstraint("acknowledgement_id", name="pk_acknowledgements"),
    )
    op.create_index("ix_acknowledgements_acknowledged_at", "acknowledgements", ["acknowledged_at"])
    op.create_table(
        "quarantine",
        sa.Column("quarantine_id", identifier(), nullable=False),
        sa.Column("source", Key(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(*REASONS, name="quarantinereason", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("blob_sha256", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["blob_sha256"], ["blobs.sha256"], name="fk_quarantine_blob_sha256"),
        sa.PrimaryKeyConstraint("quarantine_id", name="pk_quarantine"),
    )
    op.create_index("ix_quarantine_last_seen_at", "quarantine", ["last_seen_at"])
    op.execute(ACKNOWLEDGEMENTS)
    op.execute(QUARANTINE)


def downgrade() -> None:
    """Drop the views and the tables."""
    for view in ("v_quarantine", "v_acknowledgements"):
        op.execute(f"DROP VIEW {view}")
    for table in ("quarantine", "acknowledgements"):
        op.drop_table(table)
