"""Fiducials, beats and measurements: what our own signal code says about a recording."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from gem_integration.domain.ecg import Lead
from gem_integration.domain.quality import Quality


class BeatClass(StrEnum):
    """What a beat is, compared with the dominant beat of the recording."""

    DOMINANT = "dominant"
    ECTOPIC_NARROW = "ectopic_narrow"
    ECTOPIC_WIDE = "ectopic_wide"
    PACED = "paced"
    FUSION = "fusion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fiducials:
    """Nine marks of one beat, as sample indices of the recording as received; ``None`` where absent."""

    p_on: int | None = None
    p_peak: int | None = None
    p_off: int | None = None
    qrs_on: int | None = None
    r_peak: int | None = None
    qrs_off: int | None = None
    t_on: int | None = None
    t_peak: int | None = None
    t_off: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """One beat; ``number`` is 1-based, ``marks`` are global, ``leads`` holds each lead's own marks."""

    number: int
    r_sample: int
    beat_class: BeatClass
    marks: Fiducials
    leads: Mapping[Lead, Fiducials]
    spikes: tuple[int, ...] = ()


class MeasurementKind(StrEnum):
    """Every quantity we measure; units and codes are in ``terminology/measurements.csv``.

    Interval and axis names equal the subjects of claims. Amplitudes are signed millivolts against the
    QRS-onset level (q and s negative); durations of absent waves have no measurement, amplitudes of
    absent waves inside a measured QRS are 0.
    """

    # global: rate and rhythm
    HEART_RATE = "heart_rate"
    ATRIAL_RATE = "atrial_rate"
    RR_INTERVAL = "rr_interval"
    RR_MIN = "rr_min"
    RR_MAX = "rr_max"
    RR_CV = "rr_cv"  #: SD / mean over sinus-to-sinus pairs
    RR_NRMSSD = "rr_nrmssd"  #: RMS of successive differences / mean, ectopic pairs removed
    RR_JUMP_MAX = "rr_jump_max"  #: largest |RR(i+1) - RR(i)| / mean, ectopic pairs removed
    P_PRESENT_FRACTION = "p_present_fraction"  #: share of QRS complexes preceded by a P wave
    P_CORRELATION = "p_correlation"  #: median correlation of P waves with their template
    PR_SD = "pr_sd"
    F_WAVE_RATIO = "f_wave_ratio"  #: 4-10 Hz power of the QRST-cancelled residual / its total
    FLUTTER_RATE = "flutter_rate"  #: per minute, where a narrow spectral peak with harmonics stands out
    SPIKE_FRACTION = "spike_fraction"  #: share of beats with a pacing spike
    ECTOPIC_WIDE_COUNT = "ectopic_wide_count"
    ECTOPIC_NARROW_COUNT = "ectopic_narrow_count"
    WIDE_RUN_MAX = "wide_run_max"  #: longest run of consecutive wide ectopic beats
    DROPPED_BEAT_COUNT = "dropped_beat_count"  #: P waves without a QRS
    BEAT_COUNT = "beat_count"
    # global: intervals and axes
    P_DURATION = "p_duration"
    PR_INTERVAL = "pr_interval"
    QRS_DURATION = "qrs_duration"
    QT_INTERVAL = "qt_interval"
    JT_INTERVAL = "jt_interval"
    QTC_BAZETT = "qtc_bazett"
    QTC_FRIDERICIA = "qtc_fridericia"
    QTC_FRAMINGHAM = "qtc_framingham"
    QTC_HODGES = "qtc_hodges"
    P_AXIS = "p_axis"
    QRS_AXIS = "qrs_axis"
    T_AXIS = "t_axis"
    QRS_T_ANGLE = "qrs_t_angle"
    # per lead; p_duration, pr_interval, qrs_duration, qt_interval, heart_rate and rr_interval exist here too
    P_AMPLITUDE = "p_amplitude"
    P_NEGATIVE_AMPLITUDE = "p_negative_amplitude"  #: terminal or only negative part
    P_TERMINAL_DURATION = "p_terminal_duration"
    P_NOTCH_GAP = "p_notch_gap"  #: distance of two P peaks; absent when one peak
    Q_AMPLITUDE = "q_amplitude"
    Q_DURATION = "q_duration"
    R_AMPLITUDE = "r_amplitude"
    R_DURATION = "r_duration"
    S_AMPLITUDE = "s_amplitude"
    S_DURATION = "s_duration"
    R_PRIME_AMPLITUDE = "r_prime_amplitude"
    R_PRIME_DURATION = "r_prime_duration"
    S_PRIME_AMPLITUDE = "s_prime_amplitude"
    QRS_AMPLITUDE = "qrs_amplitude"  #: peak to peak
    QRS_AREA = "qrs_area"  #: net, mV·ms
    QRS_NOTCH_COUNT = "qrs_notch_count"  #: notches or slurs on the main deflection
    R_PEAK_TIME = "r_peak_time"  #: from QRS onset to the last positive peak's first crest
    INITIAL_SLOPE_RATIO = "initial_slope_ratio"  #: slope of the first 40 ms / steepest slope of the QRS
    ST_J = "st_j"
    ST_J40 = "st_j40"
    ST_J60 = "st_j60"
    ST_J80 = "st_j80"
    ST_SLOPE = "st_slope"  #: mV/s from J to J+80
    ST_DURATION = "st_duration"
    T_AMPLITUDE = "t_amplitude"  #: the larger of the two parts, signed
    T_POSITIVE_AMPLITUDE = "t_positive_amplitude"
    T_NEGATIVE_AMPLITUDE = "t_negative_amplitude"
    T_NEGATIVE_FIRST = "t_negative_first"  #: 1 when the negative part of a biphasic T comes first
    T_DURATION = "t_duration"
    T_SYMMETRY = "t_symmetry"  #: rise time / fall time
    T_AREA = "t_area"
    U_AMPLITUDE = "u_amplitude"
    PR_LEVEL = "pr_level"  #: level of the PR segment against the TP level


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One number of ours, with where and how it was taken.

    ``samples`` are half-open ranges of the recording as received, ``beats`` are 1-based, and
    ``uncertainty`` is the half width of the 95 % interval, in ``unit``.
    """

    kind: MeasurementKind
    value: float
    unit: str
    lead: Lead | None = None
    beats: tuple[int, ...] = ()
    samples: tuple[tuple[int, int], ...] = ()
    method: str
    uncertainty: float

    def __post_init__(self) -> None:
        """Refuse numbers that are not finite or have a negative uncertainty."""
        if not (abs(self.value) < float("inf") and 0.0 <= self.uncertainty < float("inf")):
            raise ValueError(f"{self.kind}: value and uncertainty must be finite")
        if any(start < 0 or stop <= start for start, stop in self.samples):
            raise ValueError(f"{self.kind}: sample ranges are half-open and not empty")

    @property
    def low(self) -> float:
        """Return the lower end of the 95 % interval."""
        return self.value - self.uncertainty

    @property
    def high(self) -> float:
        """Return the upper end of the 95 % interval."""
        return self.value + self.uncertainty


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """Everything measured on one recording.

    ``unmeasured`` names, for a (kind, lead) that was tried and failed, the reason in words.
    """

    sampling_rate_hz: float
    sample_count: int
    quality: Quality
    beats: tuple[Beat, ...]
    items: tuple[Measurement, ...]
    unmeasured: Mapping[tuple[MeasurementKind, Lead | None], str] = field(default_factory=dict)

    @cached_property
    def _index(self) -> dict[tuple[MeasurementKind, Lead | None], Measurement]:
        return {(item.kind, item.lead): item for item in self.items}

    def __iter__(self) -> Iterator[Measurement]:
        """Iterate over the measurements in their order."""
        return iter(self.items)

    def get(self, kind: MeasurementKind, lead: Lead | None = None) -> Measurement | None:
        """Return the measurement of ``kind`` in ``lead`` (``None``: global), if it could be taken."""
        return self._index.get((kind, lead))

    def value(self, kind: MeasurementKind, lead: Lead | None = None) -> float | None:
        """Return only the number of ``get``."""
        found = self.get(kind, lead)
        return None if found is None else found.value

    def why_not(self, kind: MeasurementKind, lead: Lead | None = None) -> str:
        """Return why there is no such measurement, in words."""
        return self.unmeasured.get((kind, lead), "not measured")
