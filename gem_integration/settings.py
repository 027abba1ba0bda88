"""Every knob: its unit, bounds and reason. Read from the environment (``GEM_…``) by the door alone."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_core import to_json
from pydantic_settings import BaseSettings, SettingsConfigDict

from gem_integration.domain.study import MediaType, ParseLimits

MIB = 1024 * 1024


class Settings(BaseSettings):
    """The settings of one process; frozen, validated as a whole before anything starts."""

    model_config = SettingsConfigDict(env_prefix="GEM_", frozen=True, extra="forbid")

    database_url: str = Field(
        default="sqlite:///gem-integration.sqlite",
        repr=False,
        description="SQLAlchemy URL of our memory: sqlite:///FILE or postgresql+psycopg://…",
    )
    output_dir: Path = Field(
        default=Path("gem-integration-out"),
        description="Folder of the `files` sink: one folder a report, named by the report's id.",
    )
    reader: str = Field(
        default="rules", pattern=r"^[a-z0-9_]+$", description="Reader of new studies, a name of `READERS`."
    )
    sinks: tuple[str, ...] = Field(
        default=("files",), description="Sinks every report goes to, names of `SINKS`, as a JSON list."
    )
    assumed_zone: str = Field(
        default="UTC", description="IANA zone of times that name none; such times are marked as assumed."
    )
    lead_aliases: dict[str, str] = Field(
        default_factory=dict,
        description="Site names of leads to canonical names, a JSON object; unknown leads are refused.",
    )
    message_bytes_max: int = Field(
        default=64 * MIB, ge=MIB, le=1024 * MIB, description="Largest message, in bytes; larger is refused."
    )
    embedded_bytes_max: int = Field(
        default=32 * MIB,
        ge=MIB,
        le=512 * MIB,
        description="Largest decoded ED value or inflated DICOM, in bytes.",
    )
    segments_max: int = Field(
        default=50_000, ge=100, le=1_000_000, description="Most segments of one HL7 v2 content."
    )
    samples_max: int = Field(
        default=8_000_000,
        ge=5_000,
        le=100_000_000,
        description="Most samples of one ECG, all leads together.",
    )
    lease_seconds: float = Field(
        default=120.0,
        ge=5.0,
        le=3600.0,
        description="How long one holder may work on a job before another may take it, in s.",
    )
    lease_batch_max: int = Field(
        default=8, ge=1, le=256, description="Most jobs leased at once; a GPU reads them together."
    )
    broker_url: str | None = Field(
        default=None,
        repr=False,
        description="RabbitMQ that carries the bell, amqp://user@host:5672//; without: workers ask SQL.",
    )
    dispatch_seconds: float = Field(
        default=0.25, ge=0.05, le=60.0, description="How often the database is asked what is due, in s."
    )
    ring_again_seconds: float = Field(
        default=30.0,
        ge=1.0,
        le=3600.0,
        description="When the bell is rung again for a job that is still due, in s; an older bell expires.",
    )
    drain_seconds: float = Field(
        default=20.0,
        ge=1.0,
        le=3600.0,
        description="How long a worker may take to end its read when it is told to stop, in s.",
    )
    deliver_seconds: float = Field(
        default=0.25, ge=0.05, le=60.0, description="How often the database is asked what to deliver, in s."
    )
    sink_locations: dict[str, str] = Field(
        default_factory=dict,
        repr=False,
        description="Where sinks other than `files` are: name to address, a JSON object.",
    )
    listen_host: str = Field(default="127.0.0.1", description="Address the gateways listen on.")
    mllp_port: int = Field(default=2575, ge=0, le=65_535, description="Port of the MLLP gateway.")
    mllp_peers: dict[str, tuple[str, ...]] = Field(
        default={"loopback": ("127.0.0.0/8", "::1/128")},
        description="Systems that may speak MLLP: name to networks (CIDR), a JSON object.",
    )
    dimse_port: int = Field(default=11_112, ge=0, le=65_535, description="Port of the DICOM gateway.")
    dimse_ae_title: str = Field(default="GEM_ECG", description="AE title of the DICOM gateway.")
    dimse_peers: tuple[str, ...] = Field(
        default=(), description="AE titles that may store, a JSON list; empty for any."
    )
    tls_certificate: Path | None = Field(
        default=None, description="PEM certificate of the gateways; without it they speak plain."
    )
    tls_key: Path | None = Field(default=None, description="PEM key of that certificate.")
    tls_client_ca: Path | None = Field(
        default=None, description="PEM CA that must have signed the clients' certificates (mutual TLS)."
    )
    kafka_servers: tuple[str, ...] = Field(
        default=(), description="Kafka bootstrap servers, host:port, a JSON list."
    )
    kafka_topics: dict[str, MediaType] = Field(
        default={"ecg.hl7v2": MediaType.HL7V2, "ecg.dicom": MediaType.DICOM},
        description="Topics consumed: name to the media type of records that name none, a JSON object.",
    )
    kafka_dead_letter_topic: str = Field(
        default="ecg.dead-letters", description="Topic that gets what could not be taken in."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="warning", description="Lowest level of our own log events."
    )

    def sink_location(self, name: str) -> str:
        """Return where the sink called ``name`` is."""
        return self.sink_locations.get(name, str(self.output_dir))

    def parse_limits(self) -> ParseLimits:
        """Return the limits the parsers get."""
        return ParseLimits(
            message_bytes_max=self.message_bytes_max,
            segments_max=self.segments_max,
            samples_max=self.samples_max,
            embedded_bytes_max=self.embedded_bytes_max,
            assumed_zone=self.assumed_zone,
            lead_aliases=self.lead_aliases,
        )


def settings_page() -> str:
    """Return ``docs/settings.md`` as Markdown: one row a setting, from the code itself."""
    rows = [
        "# Settings",
        "",
        "Read from the environment by `gem-integration`. `make docs` writes this page from the code.",
        "",
        "| variable | default | bounds | meaning |",
        "|---|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        bounds = " ".join(str(item) for item in field.metadata) or "–"
        default = to_json(field.get_default(call_default_factory=True, validated_data={})).decode()
        rows.append(f"| `GEM_{name.upper()}` | `{default}` | {bounds} | {field.description} |")
    return "\n".join(rows) + "\n"
