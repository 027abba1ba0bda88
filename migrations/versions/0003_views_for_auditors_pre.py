"""Views for auditors: the worklist, every claim with its evidence, what waits, what died."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

VERDICTS = ("supported", "contradicted", "borderline", "not_measurable", "not_groundable")
COUNT = "(SELECT COUNT(*) FROM observations o WHERE o.report_id = r.report_id AND o.verdict = '{0}') AS {0}"
VERDICT_COUNTS = ",\n    ".join(COUNT.format(verdict) for verdict in VERDICTS)

#: One row a study: its latest report, its job, and its claims by verdict.
WORKLIST = f"""
CREATE VIEW v_worklist AS
SELECT
    s.study_id, s.patient_id, s.accession_number, s.performed_at, s.received_at,
    m.outcome AS order_match, m.order_id,
    j.status AS job_status,
    CASE WHEN r.report_id IS NULL THEN j.error_reason END AS not_read_because,
    r.report_id, r.version, r.status AS report_status, r.urgency,
    CASE r.urgency
        WHEN 'critical' THEN 0 WHEN 'urgent' THEN 1 WHEN 'routine' THEN 3 WHEN 'normal' THEN 4 ELSE 2
    END AS urgency_rank,
    r.reader_key, r.conclusion,
    {VERDICT_COUNTS}
FROM studies s
LEFT JOIN order_matches m ON m.study_id = s.study_id
    AND m.number = (SELECT MAX(number) FROM order_matches WHERE study_id = s.study_id)
LEFT JOIN reports r ON r.study_id = s.study_id
    AND r.version = (SELECT MAX(version) FROM reports WHERE study_id = s.study_id)
LEFT JOIN read_jobs j ON j.job_id = (
    SELECT job_id FROM read_jobs WHERE study_id = s.study_id ORDER BY created_at DESC, job_id LIMIT 1
)
"""  # noqa: S608 - the verdicts are ours

#: One row a claim and number it rests on; ``latest`` says whether its report is the current version.
CLAIMS = """
CREATE VIEW v_claims AS
SELECT
    r.study_id, r.report_id, r.version,
    r.version = (SELECT MAX(version) FROM reports WHERE study_id = r.study_id) AS latest,
    o.number AS claim_number, o.text AS claim, o.start_char, o.end_char,
    o.kind, o.subject, o.leads, o.polarity, o.certainty,
    o.comparator, o.value AS claimed_value, o.value_high AS claimed_value_high, o.unit AS claimed_unit,
    o.verdict, o.reason,
    e.number AS evidence_number, e.measurement, e.lead, e.value AS measured_value, e.unit AS measured_unit,
    e.low, e.high, e.criterion, e.met, e.method, e.beats, e.samples
FROM observations o
JOIN reports r ON r.report_id = o.report_id
LEFT JOIN evidence e ON e.report_id = o.report_id AND e.observation_number = o.number
"""

CONTRADICTED = """
CREATE VIEW v_contradicted AS
SELECT * FROM v_claims WHERE verdict = 'contradicted' AND latest
"""

#: One row a sample range: where on the recording a number was taken, half-open, in samples as received.
EVIDENCE_SAMPLES = """
CREATE VIEW v_evidence_samples AS
SELECT
    r.study_id, e.report_id, e.observation_number AS claim_number, e.number AS evidence_number,
    e.measurement, e.lead, {start} AS start_sample, {stop} AS stop_sample
FROM evidence e
JOIN reports r ON r.report_id = e.report_id
CROSS JOIN {unrolled} AS span
"""
UNROLLED = {
    "sqlite": {
        "start": "CAST(json_extract(span.value, '$[0]') AS INTEGER)",
        "stop": "CAST(json_extract(span.value, '$[1]') AS INTEGER)",
        "unrolled": "json_each(e.samples)",
    },
    "postgresql": {
        "start": "CAST(span.value ->> 0 AS INTEGER)",
        "stop": "CAST(span.value ->> 1 AS INTEGER)",
        "unrolled": "LATERAL json_array_elements(e.samples)",
    },
}

#: One row a read job that is not done, and what it waits for.
JOBS_WAITING = """
CREATE VIEW v_jobs_waiting AS
SELECT
    j.job_id, j.study_id, j.reader_key, j.priority, j.status, j.attempts, j.due_at,
    j.holder, j.lease_expires_at,
    CASE
        WHEN j.status = 'leased' THEN 'being read by ' || COALESCE(j.holder, 'nobody')
        WHEN j.error_reason IS NOT NULL THEN 'due again: ' || j.error_reason
        ELSE 'waiting for a reader'
    END AS because
FROM read_jobs j
WHERE j.status IN ('queued', 'leased')
"""

#: One row a delivery that is not done, and what it waits for.
DELIVERIES_WAITING = """
CREATE VIEW v_deliveries_waiting AS
SELECT
    x.outbox_id, x.report_id, x.study_id, x.version, x.sink, x.status, x.attempts, x.due_at,
    x.holder, x.lease_expires_at,
    CASE
        WHEN x.status = 'leased' THEN 'being delivered by ' || COALESCE(x.holder, 'nobody')
        WHEN x.error_reason IS NOT NULL THEN 'due again: ' || x.error_reason
        ELSE 'waiting for a relay'
    END AS because
FROM outbox x
WHERE x.status IN ('due', 'leased')
"""

#: One row a failure: what could not be received, read or delivered, why, and how often.
DEAD_LETTERS = """
CREATE VIEW v_dead_letters AS
SELECT
    d.dead_letter_id, d.stage, d.code, d.reason, d.source, d.count, d.first_seen_at, d.last_seen_at,
    d.subject_id, COALESCE(j.study_id, x.study_id) AS study_id, d.blob_sha256, b.size_bytes, b.media_type
FROM dead_letters d
LEFT JOIN blobs b ON b.sha256 = d.blob_sha256
LEFT JOIN read_jobs j ON d.stage = 'read' AND CAST(j.job_id AS VARCHAR(36)) = d.subject_id
LEFT JOIN outbox x ON d.stage = 'deliver' AND CAST(x.outbox_id AS VARCHAR(36)) = d.subject_id
"""

#: In the order of their references.
VIEWS = {
    "v_worklist": WORKLIST,
    "v_claims": CLAIMS,
    "v_contradicted": CONTRADICTED,
    "v_evidence_samples": EVIDENCE_SAMPLES,
    "v_jobs_waiting": JOBS_WAITING,
    "v_deliveries_waiting": DELIVERIES_WAITING,
    "v_dead_letters": DEAD_LETTERS,
}


def upgrade() -> None:
    """Create the views in this dialect's SQL."""
    words = UNROLLED[op.get_bind().dialect.name]
    for name, sql in VIEWS.items():
        op.execute(sql.format(**words) if name == "v_evidence_samples" else sql)


def downgrade() -> None:
    """Drop the views, the last first."""
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW {name}")
