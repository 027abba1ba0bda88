"""Who and what: patients, readers, and names derived from content."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

PROJECT_NAMESPACE = uuid.UUID("6f1d3c9e-2f0b-5c57-9b1e-0a6f4f6d7a11")


class Sex(StrEnum):
    """Administrative sex as the criteria use it; unknown is the absence of a value."""

    MALE = "male"
    FEMALE = "female"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """The person a message names; ``patient_id`` is unique within ``assigner``."""

    patient_id: str
    assigner: str | None = None
    family_name: str | None = None
    given_name: str | None = None
    birth_date: date | None = None
    sex: Sex | None = None

    def __post_init__(self) -> None:
        """Refuse a patient without an identifier."""
        if not self.patient_id.strip():
            raise ValueError("a patient needs an identifier")


@dataclass(frozen=True, slots=True, kw_only=True)
class Demographics:
    """What criteria need of a person: age in years at acquisition and sex, either may be unknown."""

    age_years: float | None = None
    sex: Sex | None = None

    @classmethod
    def of(cls, patient: Patient | None, on: date | None) -> Demographics:
        """Return the demographics of ``patient`` on the day ``on``; a negative age is unknown."""
        if patient is None:
            return cls()
        if patient.birth_date is None or on is None or on < patient.birth_date:
            return cls(sex=patient.sex)
        return cls(age_years=(on - patient.birth_date).days / 365.2425, sex=patient.sex)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderIdentity:
    """Exactly which reader wrote an interpretation."""

    name: str
    version: str
    weights_digest: str | None
    prompt_digest: str | None
    code_version: str

    @property
    def key(self) -> str:
        """Return one stable string for uniqueness in storage."""
        parts = (self.name, self.version, self.weights_digest, self.prompt_digest, self.code_version)
        return "|".join(part or "-" for part in parts)


def content_hash(content: bytes) -> str:
    """Return the lower-case hexadecimal SHA-256 of ``content``."""
    return hashlib.sha256(content).hexdigest()


def stable_id(*parts: str) -> uuid.UUID:
    """Return the same UUID (version 5, RFC 9562 section 5.5) for the same parts, everywhere and always."""
    return uuid.uuid5(PROJECT_NAMESPACE, "\x1f".join(parts))
