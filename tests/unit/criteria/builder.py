"""Measurements made by hand: a normal adult ECG whose single numbers a test changes."""

from __future__ import annotations

from collections.abc import Mapping

from gem_integration.domain.ecg import STANDARD_LEADS, Lead
from gem_integration.domain.identity import Demographics, Sex
from gem_integration.domain.measurement import Beat, Measurement, Measurements
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.domain.quality import LeadQuality, Quality, QualityFlag
from gem_integration.terminology.codes import measurement_codes

Key = tuple[Kind, Lead | None]

MAN_OF_50 = Demographics(age_years=50.0, sex=Sex.MALE)
WOMAN_OF_50 = Demographics(age_years=50.0, sex=Sex.FEMALE)

UNCERTAINTY: Mapping[Kind, float] = {
    Kind.HEART_RATE: 2.0,
    Kind.P_DURATION: 15.0,
    Kind.PR_INTERVAL: 10.0,
    Kind.QRS_DURATION: 10.0,
    Kind.QT_INTERVAL: 20.0,
    Kind.QTC_FRIDERICIA: 20.0,
    Kind.QRS_AXIS: 10.0,
    Kind.P_AXIS: 10.0,
    Kind.T_AXIS: 10.0,
}
AMPLITUDE_UNCERTAINTY_MV = 0.025

GLOBAL: Mapping[Kind, float] = {
    Kind.HEART_RATE: 72.0,
    Kind.RR_INTERVAL: 833.0,
    Kind.RR_MIN: 810.0,
    Kind.RR_MAX: 860.0,
    Kind.RR_CV: 0.02,
    Kind.RR_NRMSSD: 0.02,
    Kind.RR_JUMP_MAX: 0.04,
    Kind.P_PRESENT_FRACTION: 1.0,
    Kind.P_CORRELATION: 0.98,
    Kind.PR_SD: 4.0,
    Kind.F_WAVE_RATIO: 0.2,
    Kind.SPIKE_FRACTION: 0.0,
    Kind.ECTOPIC_WIDE_COUNT: 0.0,
    Kind.ECTOPIC_NARROW_COUNT: 0.0,
    Kind.WIDE_RUN_MAX: 0.0,
    Kind.DROPPED_BEAT_COUNT: 0.0,
    Kind.BEAT_COUNT: 12.0,
    Kind.P_DURATION: 104.0,
    Kind.PR_INTERVAL: 160.0,
    Kind.QRS_DURATION: 92.0,
    Kind.QT_INTERVAL: 390.0,
    Kind.QTC_FRIDERICIA: 414.0,
    Kind.P_AXIS: 50.0,
    Kind.QRS_AXIS: 45.0,
    Kind.T_AXIS: 40.0,
}

R_MV = dict(zip(STANDARD_LEADS, (0.8, 1.1, 0.3, 0.0, 0.4, 0.6, 0.2, 0.5, 0.9, 1.4, 1.3, 1.0), strict=True))
S_MV = dict(
    zip(STANDARD_LEADS, (-0.1, -0.1, -0.1, -0.9, -0.1, -0.1, -0.9, -1.2, -0.7, -0.4, -0.2, -0.1), strict=True)
)
T_MV = dict(
    zip(STANDARD_LEADS, (0.2, 0.3, 0.1, -0.25, 0.08, 0.2, 0.05, 0.4, 0.5, 0.5, 0.4, 0.3), strict=True)
)


def normal_items() -> dict[Key, float]:
    """Return every number of a normal ECG."""
    items: dict[Key, float] = {(kind, None): value for kind, value in GLOBAL.items()}
    for lead in STANDARD_LEADS:
        r, s, t = R_MV[lead], S_MV[lead], T_MV[lead]
        for kind, value in {
            Kind.P_AMPLITUDE: 0.12,
            Kind.P_NEGATIVE_AMPLITUDE: 0.0,
            Kind.Q_AMPLITUDE: 0.0,
            Kind.R_AMPLITUDE: r,
            Kind.R_DURATION: 38.0,
            Kind.S_AMPLITUDE: s,
            Kind.S_DURATION: 25.0,
            Kind.R_PRIME_AMPLITUDE: 0.0,
            Kind.QRS_AMPLITUDE: r - s,
            Kind.QRS_AREA: 20.0 * (r + s),
            Kind.QRS_NOTCH_COUNT: 0.0,
            Kind.R_PEAK_TIME: 35.0,
            Kind.INITIAL_SLOPE_RATIO: 0.9,
            Kind.ST_J: 0.02,
            Kind.ST_J40: 0.02,
            Kind.ST_J60: 0.02,
            Kind.ST_J80: 0.03,
            Kind.ST_SLOPE: 0.1,
            Kind.T_AMPLITUDE: t,
            Kind.T_POSITIVE_AMPLITUDE: max(t, 0.0),
            Kind.T_NEGATIVE_AMPLITUDE: min(t, 0.0),
            Kind.T_NEGATIVE_FIRST: 0.0,
            Kind.T_SYMMETRY: 1.5,
            Kind.T_AREA: 90.0 * t,
            Kind.PR_LEVEL: 0.0,
        }.items():
            items[(kind, lead)] = value
    return items


def sound_quality() -> Quality:
    """Return the quality of a clean 12-lead recording."""
    leads = dict.fromkeys(STANDARD_LEADS, LeadQuality(usable=True))
    return Quality(usable=True, flags=(), reasons=(), leads=leads)


def flagged_quality(*flags: QualityFlag, usable: bool, reason: str) -> Quality:
    """Return a faulty quality."""
    leads = dict.fromkeys(STANDARD_LEADS, LeadQuality(usable=True))
    return Quality(usable=usable, flags=flags, reasons=(reason,), leads=leads)


def measured(
    changes: Mapping[Key | Kind, float | None] | None = None,
    *,
    quality: Quality | None = None,
    beats: tuple[Beat, ...] = (),
) -> Measurements:
    """Return a normal ECG with ``changes``; ``None`` takes a number away, a bare kind is global."""
    items = normal_items()
    for key, value in (changes or {}).items():
        place = (key, None) if isinstance(key, Kind) else key
        if value is None:
            items.pop(place, None)
        else:
            items[place] = value
    return Measurements(
        sampling_rate_hz=500.0,
        sample_count=5000,
        quality=quality or sound_quality(),
        beats=beats,
        items=tuple(_measurement(kind, lead, value) for (kind, lead), value in items.items()),
    )


def in_leads(kind: Kind, values: Mapping[Lead, float]) -> dict[Key, float]:
    """Return changes of one kind in several leads."""
    return {(kind, lead): value for lead, value in values.items()}


def _measurement(kind: Kind, lead: Lead | None, value: float) -> Measurement:
    unit = measurement_codes()[kind].unit
    uncertainty = UNCERTAINTY.get(kind, AMPLITUDE_UNCERTAINTY_MV if unit == "mV" else 0.0)
    return Measurement(
        kind=kind,
        value=value,
        unit=unit,
        lead=lead,
        beats=(1, 2, 3),
        samples=((100, 600),),
        method="by hand",
        uncertainty=uncertainty,
    )
