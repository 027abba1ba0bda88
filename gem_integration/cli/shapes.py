"""The public JSON shapes; documented in ``docs/json.md`` and kept by tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TypeAlias

import orjson

from gem_integration.domain.ecg import Lead, Recording
from gem_integration.domain.measurement import Beat, Fiducials, Measurements
from gem_integration.domain.quality import LeadQuality, Quality
from gem_integration.domain.report import Coverage
from gem_integration.domain.statement import Statement
from gem_integration.grounding.shape import claim_json, evidence_json
from gem_integration.pipeline.read import Reading
from gem_integration.terminology.codes import measurement_codes
from gem_integration.terminology.statements import finding_of

Json: TypeAlias = Mapping[str, "JsonValue"]
JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | tuple[JsonValue, ...] | Json | None"

DECIMALS_BY_UNIT: Mapping[str, int] = {"mV": 4, "1": 4, "mV/s": 3, "mV.ms": 3}
DECIMALS_DEFAULT = 1


def dump_line(line: Mapping[str, object]) -> str:
    """Return one JSON line; floats that stand for nothing do not exist (NaN is refused by the types)."""
    return orjson.dumps(line, option=orjson.OPT_NON_STR_KEYS).decode()


def recording_json(recording: Recording) -> dict[str, JsonValue]:
    """Return rate, leads and sample count of the recording as received."""
    return {
        "sampling_rate_hz": recording.sampling_rate_hz,
        "leads": [lead.value for lead in recording.leads],
        "samples": recording.sample_count,
    }


def quality_json(quality: Quality) -> dict[str, JsonValue]:
    """Return whether the recording may be read and why not, lead by lead."""
    return {
        "usable": quality.usable,
        "reasons": list(quality.reasons),
        "flags": [flag.value for flag in quality.flags],
        "leads": {lead.value: _lead_quality_json(item) for lead, item in quality.leads.items()},
    }


def _lead_quality_json(quality: LeadQuality) -> dict[str, JsonValue]:
    fields = asdict(quality)
    fields["flags"] = [flag.value for flag in quality.flags]
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in fields.items()}


def measurements_json(measurements: Measurements) -> dict[str, JsonValue]:
    """Return ``global`` and ``leads``: every kind of the scope has a key, ``null`` where not measured."""
    leads = [lead for lead in Lead if lead in measurements.quality.leads]
    return {
        "global": _scope_json(measurements, "global", None),
        "leads": {lead.value: _scope_json(measurements, "lead", lead) for lead in leads},
    }


def _scope_json(measurements: Measurements, scope: str, lead: Lead | None) -> dict[str, JsonValue]:
    codes = measurement_codes().values()
    return {
        code.json_key: _rounded(measurements.value(code.kind, lead), code.unit)
        for code in codes
        if code.scope in (scope, "both")
    }


def _rounded(value: float | None, unit: str) -> float | None:
    return None if value is None else round(value, DECIMALS_BY_UNIT.get(unit, DECIMALS_DEFAULT))


def beats_json(beats: tuple[Beat, ...]) -> list[JsonValue]:
    """Return the beats with each lead's marks, as sample indices of the recording as received."""
    return [
        {
            "number": beat.number,
            "class": beat.beat_class.value,
            "r_sample": beat.r_sample,
            "marks": _marks_json(beat.marks),
            "spikes": list(beat.spikes),
            "leads": {lead.value: _marks_json(marks) for lead, marks in beat.leads.items()},
        }
        for beat in beats
    ]


def _marks_json(marks: Fiducials) -> dict[str, JsonValue]:
    return asdict(marks)


def statement_json(statement: Statement, snomed: str | None) -> dict[str, object]:
    """Return one statement with its parts."""
    return {
        "id": statement.statement_id,
        "state": statement.state.value,
        "urgency": statement.urgency.value,
        "snomed": snomed,
        "leads": [lead.value for lead in statement.leads],
        "note": statement.note,
        "parts": [evidence_json(part) for part in statement.parts],
    }


def coverage_json(coverage: Coverage) -> dict[str, JsonValue]:
    """Return counts by kind and verdict, and the share of ECG-bearing words inside claims."""
    return {
        "by_kind": dict(coverage.by_kind),
        "by_verdict": dict(coverage.by_verdict),
        "words_covered": round(coverage.words_covered, 4),
    }


def reading_json(recording: Recording, reading: Reading) -> dict[str, object]:
    """Return everything one reading says of one recording."""
    report = reading.report
    return {
        "recording": recording_json(recording),
        "quality": quality_json(reading.measurements.quality),
        "global": measurements_json(reading.measurements)["global"],
        "statements": [statement_json(item, finding_of(item)) for item in report.statements],
        "reader": asdict(report.reader),
        "interpretation": report.narrative,
        "claims": [claim_json(item) for item in report.observations],
        "coverage": coverage_json(report.coverage),
        "conclusion": report.conclusion,
        "not_confirmed": list(report.not_confirmed),
        "urgency": report.urgency.value,
    }
