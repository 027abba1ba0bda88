"""May a recording be read, and what is wrong with it, lead by lead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gem_integration.domain.ecg import Lead


class QualityFlag(StrEnum):
    """A fault of a lead or of the whole recording (ecg-criteria, section 6)."""

    FLAT = "flat"  #: peak-to-peak under 20 µV, or no slope for most of the strip
    LEAD_OFF = "lead_off"  #: an electrode without contact
    SATURATED = "saturated"  #: samples at a rail
    NOISY = "noisy"  #: high-frequency noise above the limit
    MAINS = "mains"  #: 50 or 60 Hz interference above the limit
    BASELINE_WANDER = "baseline_wander"  #: slow drift above the limit
    GAP = "gap"  #: samples not received
    MISSING = "missing"  #: a standard lead neither recorded nor derivable
    INCONSISTENT = "inconsistent"  #: II is not I + III, or an augmented lead disagrees
    CALIBRATION_PULSE = "calibration_pulse"  #: a 1 mV pulse inside the record
    SHORT = "short"  #: too short for rhythm
    NO_BEATS = "no_beats"  #: no QRS complex found
    RA_LA_REVERSAL = "ra_la_reversal"  #: right and left arm electrodes exchanged
    RA_RL_REVERSAL = "ra_rl_reversal"  #: right arm and right leg electrodes exchanged
    PRECORDIAL_SWAP = "precordial_swap"  #: two chest electrodes exchanged
    DEXTROCARDIA = "dextrocardia"  #: mirrored limb leads with R shrinking from V1 to V6


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadQuality:
    """One lead's quality; noise in µV RMS, wander and peak-to-peak in mV."""

    usable: bool
    flags: tuple[QualityFlag, ...] = ()
    electrode: str | None = None
    noise_rms_uv: float | None = None
    mains_hz: float | None = None
    mains_rms_uv: float | None = None
    baseline_wander_mv: float | None = None
    peak_to_peak_mv: float | None = None
    gap_fraction: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The whole recording's quality; ``usable`` is false when it must not be interpreted.

    ``reasons`` are full phrases for people ("lead V3 is flat: check electrode V3").
    """

    usable: bool
    flags: tuple[QualityFlag, ...]
    reasons: tuple[str, ...]
    leads: Mapping[Lead, LeadQuality]

    def lead_usable(self, lead: Lead) -> bool:
        """Say whether ``lead`` exists and may be measured."""
        quality = self.leads.get(lead)
        return quality is not None and quality.usable
