"""What arrives: bytes, messages, orders, studies, read jobs, and what dies."""

import sqlalchemy as sa
from alembic import op

from gem_integration.storage.columns import Key, UtcDateTime, Words, identifier

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "blobs",
    "dead_letters",
    "inbound_messages",
    "orders",
    "studies",
    "message_orders",
    "message_studies",
    "order_matches",
    "read_jobs",
)


def upgrade() -> None:
    """Create the tables in the order of their references."""
    _create_blobs()
    _create_dead_letters()
    _create_inbound_messages()
    _create_orders()
    _create_studies()
    _create_message_orders()
    _create_message_studies()
    _create_order_matches()
    _create_read_jobs()


def downgrade() -> None:
    """Drop the tables, the last first."""
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_blobs() -> None:
    op.create_table(
        "blobs",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", Words(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("stored_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_blobs"),
    )


def _create_dead_letters() -> None:
    op.create_table(
        "dead_letters",
        sa.Column("dead_letter_id", identifier(), nullable=False),
        sa.Column(
            "stage",
            sa.Enum("receive", "read", "deliver", name="stage", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("code", Words(), nullable=False),
        sa.Column("reason", Words(), nullable=False),
        sa.Column("source", Words(), nullable=True),
        sa.Column("blob_sha256", sa.String(length=64), nullable=True),
        sa.Column("subject_id", Words(), nullable=True),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["blob_sha256"], ["blobs.sha256"], name="fk_dead_letters_blob_sha256"),
        sa.PrimaryKeyConstraint("dead_letter_id", name="pk_dead_letters"),
    )
    op.create_index("ix_dead_letters_last_seen_at", "dead_letters", ["last_seen_at"])


def _create_inbound_messages() -> None:
    op.create_table(
        "inbound_messages",
        sa.Column("message_row_id", identifier(), nullable=False),
        sa.Column("source", Key(), nullable=False),
        sa.Column("message_id", Key(), nullable=False),
        sa.Column("media_type", Words(), nullable=False),
        sa.Column("blob_sha256", sa.String(length=64), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["blob_sha256"], ["blobs.sha256"], name="fk_inbound_messages_blob_sha256"),
        sa.PrimaryKeyConstraint("message_row_id", name="pk_inbound_messages"),
        sa.UniqueConstraint("source", "message_id", name="uq_inbound_messages_source_message_id"),
    )
    op.create_index("ix_inbound_messages_received_at", "inbound_messages", ["received_at"])


def _create_orders() -> None:
    op.create_table(
        "orders",
        sa.Column("order_id", identifier(), nullable=False),
        sa.Column("control", Words(), nullable=False),
        sa.Column("patient_id", Words(), nullable=True),
        sa.Column("accession_number", Key(), nullable=True),
        sa.Column("placer_number", Key(), nullable=True),
        sa.Column("filler_number", Key(), nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name="pk_orders"),
    )
    op.create_index("ix_orders_accession_number", "orders", ["accession_number"])
    op.create_index("ix_orders_filler_number", "orders", ["filler_number"])
    op.create_index("ix_orders_placer_number", "orders", ["placer_number"])


def _create_studies() -> None:
    op.create_table(
        "studies",
        sa.Column("study_id", identifier(), nullable=False),
        sa.Column("recording_sha256", sa.String(length=64), nullable=False),
        sa.Column("sop_instance_uid", Key(), nullable=True),
        sa.Column("recording_blob", sa.String(length=64), nullable=False),
        sa.Column("patient_id", Key(), nullable=True),
        sa.Column("patient_assigner", Words(), nullable=True),
        sa.Column("accession_number", Key(), nullable=True),
        sa.Column("placer_number", Key(), nullable=True),
        sa.Column("filler_number", Key(), nullable=True),
        sa.Column("performed_at", UtcDateTime(), nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["recording_blob"], ["blobs.sha256"], name="fk_studies_recording_blob"),
        sa.PrimaryKeyConstraint("study_id", name="pk_studies"),
        sa.UniqueConstraint("recording_sha256", name="uq_studies_recording_sha256"),
        sa.UniqueConstraint("sop_instance_uid", name="uq_studies_sop_instance_uid"),
    )
    op.create_index("ix_studies_accession_number", "studies", ["accession_number"])
    op.create_index("ix_studies_filler_number", "studies", ["filler_number"])
    op.create_index("ix_studies_patient_id", "studies", ["patient_id"])
    op.create_index("ix_studies_placer_number", "studies", ["placer_number"])
    op.create_index("ix_studies_received_at", "studies", ["received_at"])


def _create_message_orders() -> None:
    op.create_table(
        "message_orders",
        sa.Column("message_row_id", identifier(), nullable=False),
        sa.Column("order_id", identifier(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_row_id"], ["inbound_messages.message_row_id"], name="fk_message_orders_message_row_id"
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name="fk_message_orders_order_id"),
        sa.PrimaryKeyConstraint("message_row_id", "order_id", name="pk_message_orders"),
    )


def _create_message_studies() -> None:
    op.create_table(
        "message_studies",
        sa.Column("message_row_id", identifier(), nullable=False),
        sa.Column("study_id", identifier(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_row_id"], ["inbound_messages.message_row_id"], name="fk_message_studies_message_row_id"
        ),
        sa.ForeignKeyConstraint(["study_id"], ["studies.study_id"], name="fk_message_studies_study_id"),
        sa.PrimaryKeyConstraint("message_row_id", "study_id", name="pk_message_studies"),
    )
    op.create_index("ix_message_studies_study_id", "message_studies", ["study_id"])


def _create_order_matches() -> None:
    op.create_table(
        "order_matches",
        sa.Column("study_id", identifier(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "matched",
                "unnumbered",
                "waiting",
                "ambiguous",
                "other_patient",
                "cancelled",
                name="ordermatch",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("order_id", identifier(), nullable=True),
        sa.Column("matched_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name="fk_order_matches_order_id"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.study_id"], name="fk_order_matches_study_id"),
        sa.PrimaryKeyConstraint("study_id", "number", name="pk_order_matches"),
    )


def _create_read_jobs() -> None:
    op.create_table(
        "read_jobs",
        sa.Column("job_id", identifier(), nullable=False),
        sa.Column("study_id", identifier(), nullable=False),
        sa.Column("reader_key", Words(), nullable=False),
        sa.Column(
            "priority",
            sa.Enum("stat", "routine", name="priority", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum("queued", "leased", "read", "dead", name="jobstatus", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("fencing_token", sa.BigInteger(), nullable=False),
        sa.Column("holder", Words(), nullable=True),
        sa.Column("lease_expires_at", UtcDateTime(), nullable=True),
        sa.Column("error_code", Words(), nullable=True),
        sa.Column("error_reason", Words(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.study_id"], name="fk_read_jobs_study_id"),
        sa.PrimaryKeyConstraint("job_id", name="pk_read_jobs"),
        sa.UniqueConstraint("study_id", "reader_key", name="uq_read_jobs_study_id_reader_key"),
    )
    op.create_index("ix_read_jobs_due", "read_jobs", ["status", "priority", "due_at"])
