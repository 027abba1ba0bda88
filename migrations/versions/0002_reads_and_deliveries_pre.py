"""What is read and delivered: measurements, statements, claims with evidence, reports, the outbox."""

import sqlalchemy as sa
from alembic import op

from gem_integration.storage.columns import UtcDateTime, Words, identifier

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = (
    "measurement_sets",
    "measurements",
    "interpretations",
    "reports",
    "statements",
    "observations",
    "evidence",
    "outbox",
    "deliveries",
)


def upgrade() -> None:
    """Create the tables in the order of their references."""
    _create_measurement_sets()
    _create_measurements()
    _create_interpretations()
    _create_reports()
    _create_statements()
    _create_observations()
    _create_evidence()
    _create_outbox()
    _create_deliveries()


def downgrade() -> None:
    """Drop the tables, the last first."""
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_measurement_sets() -> None:
    op.create_table(
        "measurement_sets",
        sa.Column("set_id", identifier(), nullable=False),
        sa.Column("study_id", identifier(), nullable=False),
        sa.Column("job_id", identifier(), nullable=False),
        sa.Column("sampling_rate_hz", sa.Double(), nullable=False),
        sa.Column("sample_count", sa.Integer(), nullable=False),
        sa.Column("usable", sa.Boolean(), nullable=False),
        sa.Column("measured_at", UtcDateTime(), nullable=False),
        sa.Column("quality", sa.JSON(), nullable=False),
        sa.Column("beats", sa.JSON(), nullable=False),
        sa.Column("unmeasured", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["read_jobs.job_id"], name="fk_measurement_sets_job_id"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.study_id"], name="fk_measurement_sets_study_id"),
        sa.PrimaryKeyConstraint("set_id", name="pk_measurement_sets"),
        sa.UniqueConstraint("job_id", name="uq_measurement_sets_job_id"),
    )
    op.create_index("ix_measurement_sets_study_id", "measurement_sets", ["study_id"])


def _create_measurements() -> None:
    op.create_table(
        "measurements",
        sa.Column("set_id", identifier(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", Words(), nullable=False),
        sa.Column("lead", Words(), nullable=True),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("unit", Words(), nullable=False),
        sa.Column("uncertainty", sa.Double(), nullable=False),
        sa.Column("method", Words(), nullable=False),
        sa.Column("beats", sa.JSON(), nullable=False),
        sa.Column("samples", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["set_id"], ["measurement_sets.set_id"], name="fk_measurements_set_id"),
        sa.PrimaryKeyConstraint("set_id", "number", name="pk_measurements"),
    )
    op.create_index("ix_measurements_kind", "measurements", ["kind"])


def _create_interpretations() -> None:
    op.create_table(
        "interpretations",
        sa.Column("job_id", identifier(), nullable=False),
        sa.Column("text", Words(), nullable=False),
        sa.Column("reader_key", Words(), nullable=False),
        sa.Column("reader", sa.JSON(), nullable=False),
        sa.Column(
            "stop_reason",
            sa.Enum("end", "length", name="stopreason", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["read_jobs.job_id"], name="fk_interpretations_job_id"),
        sa.PrimaryKeyConstraint("job_id", name="pk_interpretations"),
    )


def _create_reports() -> None:
    op.create_table(
        "reports",
        sa.Column("report_id", identifier(), nullable=False),
        sa.Column("study_id", identifier(), nullable=False),
        sa.Column("set_id", identifier(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "preliminary",
                "final",
                "amended",
                "entered-in-error",
                name="reportstatus",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "urgency",
            sa.Enum("critical", "urgent", "routine", "normal", name="urgency", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("reader_key", Words(), nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("supersedes", identifier(), nullable=True),
        sa.Column("conclusion", Words(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["set_id"], ["measurement_sets.set_id"], name="fk_reports_set_id"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.study_id"], name="fk_reports_study_id"),
        sa.ForeignKeyConstraint(["supersedes"], ["reports.report_id"], name="fk_reports_supersedes"),
        sa.PrimaryKeyConstraint("report_id", name="pk_reports"),
        sa.UniqueConstraint("study_id", "version", name="uq_reports_study_id_version"),
    )


def _create_statements() -> None:
    op.create_table(
        "statements",
        sa.Column("report_id", identifier(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("statement_id", Words(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "met",
                "borderline",
                "not_met",
                "not_measurable",
                name="statementstate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "urgency",
            sa.Enum("critical", "urgent", "routine", "normal", name="urgency", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("leads", sa.JSON(), nullable=False),
        sa.Column("note", Words(), nullable=True),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.report_id"], name="fk_statements_report_id"),
        sa.PrimaryKeyConstraint("report_id", "number", name="pk_statements"),
    )
    op.create_index("ix_statements_statement_id", "statements", ["statement_id"])


def _create_observations() -> None:
    op.create_table(
        "observations",
        sa.Column("report_id", identifier(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", Words(), nullable=False),
        sa.Column("start_char", sa.Integer(), nullable=False),
        sa.Column("end_char", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "measurement",
                "morphology",
                "finding",
                "other",
                name="claimkind",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("subject", Words(), nullable=True),
        sa.Column("leads", sa.JSON(), nullable=False),
        sa.Column(
            "polarity",
            sa.Enum("present", "absent", name="polarity", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column(
            "certainty",
            sa.Enum("stated", "possible", name="certainty", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column(
            "comparator",
            sa.Enum("=", "~", "<", "<=", ">", ">=", "range", name="comparator", native_enum=False, length=32),
            nullable=True,
        ),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("value_high", sa.Double(), nullable=True),
        sa.Column("unit", Words(), nullable=True),
        sa.Column("beats", sa.JSON(), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum(
                "supported",
                "contradicted",
                "borderline",
                "not_measurable",
                "not_groundable",
                name="verdict",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", Words(), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.report_id"], name="fk_observations_report_id"),
        sa.PrimaryKeyConstraint("report_id", "number", name="pk_observations"),
    )
    op.create_index("ix_observations_verdict_subject", "observations", ["verdict", "subject"])


def _create_evidence() -> None:
    op.create_table(
        "evidence",
        sa.Column("report_id", identifier(), nullable=False),
        sa.Column("observation_number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("measurement", Words(), nullable=False),
        sa.Column("lead", Words(), nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("unit", Words(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("criterion", Words(), nullable=False),
        sa.Column("met", sa.Boolean(), nullable=True),
        sa.Column("method", Words(), nullable=False),
        sa.Column("beats", sa.JSON(), nullable=False),
        sa.Column("samples", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["report_id", "observation_number"],
            ["observations.report_id", "observations.number"],
            name="fk_evidence_report_id_observation_number",
        ),
        sa.PrimaryKeyConstraint("report_id", "observation_number", "number", name="pk_evidence"),
    )


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("outbox_id", identifier(), nullable=False),
        sa.Column("report_id", identifier(), nullable=False),
        sa.Column("study_id", identifier(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sink", Words(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("due", "leased", "delivered", "dead", name="outboxstatus", native_enum=False, length=32),
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
        sa.ForeignKeyConstraint(["report_id"], ["reports.report_id"], name="fk_outbox_report_id"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.study_id"], name="fk_outbox_study_id"),
        sa.PrimaryKeyConstraint("outbox_id", name="pk_outbox"),
        sa.UniqueConstraint("report_id", "sink", name="uq_outbox_report_id_sink"),
    )
    op.create_index("ix_outbox_due", "outbox", ["status", "due_at"])
    op.create_index("ix_outbox_study_id", "outbox", ["study_id"])


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("outbox_id", identifier(), nullable=False),
        sa.Column("fencing_token", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("attempted_at", UtcDateTime(), nullable=False),
        sa.Column("delivered", sa.Boolean(), nullable=False),
        sa.Column("location", Words(), nullable=True),
        sa.Column("content_sha256", Words(), nullable=True),
        sa.Column("code", Words(), nullable=True),
        sa.Column("detail", Words(), nullable=False),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.outbox_id"], name="fk_deliveries_outbox_id"),
        sa.PrimaryKeyConstraint("outbox_id", "fencing_token", name="pk_deliveries"),
    )
