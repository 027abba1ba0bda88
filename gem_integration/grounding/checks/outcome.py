"""One number against one limit, and how the leads of a claim make a verdict (claims.md section 4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from gem_integration.domain.ecg import Lead
from gem_integration.domain.evidence import Claim, Evidence, Polarity, Verdict
from gem_integration.domain.identity import Demographics
from gem_integration.domain.measurement import Measurement, MeasurementKind, Measurements
from gem_integration.domain.statement import Statement

# Half widths below which no number of ours is trusted (ecg-criteria 1.3, standard deviations allowed by
# IEC 60601-2-25 on biological ECGs; amplitudes 25 µV or 5 %).
PRECISION: Mapping[str, float] = {
    "heart_rate": 2.0,
    "atrial_rate": 10.0,
    "p_duration": 15.0,
    "pr_interval": 10.0,
    "qrs_duration": 10.0,
    "q_duration": 10.0,
    "st_duration": 30.0,
    "t_duration": 30.0,
    "qt_interval": 20.0,
    "qtc_interval": 20.0,
    "p_axis": 10.0,
    "qrs_axis": 10.0,
    "t_axis": 10.0,
}
AMPLITUDE_MIN_MV = 0.025
AMPLITUDE_SHARE = 0.05
RR_MIN_MS = 10.0
HEART_RATE_BPM = 2.0
LIMIT_SHARE = 0.5


class Held(StrEnum):
    """How one number stands to one condition."""

    MET = "met"
    VIOLATED = "violated"
    NEAR = "near"  #: within its own uncertainty of the limit
    UNMEASURED = "unmeasured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A condition held against one number (or several, of one lead), with the evidence."""

    held: Held
    evidence: tuple[Evidence, ...]
    lead: Lead | None = None
    reason: str = ""

    def flipped(self) -> Tested:
        """Return the same for the opposite claim."""
        turned = {Held.MET: Held.VIOLATED, Held.VIOLATED: Held.MET}
        return replace(self, held=turned.get(self.held, self.held))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a check answers: a verdict, why, and what it rests on."""

    verdict: Verdict
    reason: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waveform:
    """What claims are held against: our numbers, our statements, and whose ECG it is."""

    measurements: Measurements
    statements: Mapping[str, Statement]
    demographics: Demographics

    def why_not(self, kind: MeasurementKind, lead: Lead | None) -> str:
        """Return in words why there is no such number: the lead's fault if it has one."""
        quality = self.measurements.quality
        if lead is None:
            return self.measurements.why_not(kind, None)
        known = quality.leads.get(lead)
        if known is None:
            return f"lead {lead} was not recorded"
        if not known.usable:
            flags = ", ".join(flag.value.replace("_", " ") for flag in known.flags) or "not usable"
            return f"lead {lead}: {flags}"
        return f"lead {lead}: {self.measurements.why_not(kind, lead)}"

    def usable(self, lead: Lead) -> bool:
        """Say whether ``lead`` was recorded and may be measured."""
        return self.measurements.quality.lead_usable(lead)


Check: TypeAlias = Callable[[Claim, Waveform], Outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """``kind`` must lie between ``low`` and ``high`` (either may be open); ``source`` names the standard.

    ``band`` widens the zone of doubt beyond the measurement's own uncertainty; ``absent_with`` names the
    measurement whose presence makes an absent ``kind`` a zero (no second P peak in a measured P wave).
    """

    kind: MeasurementKind
    low: float | None = None
    high: float | None = None
    source: str
    band: float = 0.0
    absent_with: MeasurementKind | None = None
    whole_ecg: bool = False  #: taken from the whole ECG even for a claim on a lead

    @property
    def words(self) -> str:
        """Return the condition in words."""
        match self.low, self.high:
            case None, None:
                return f"{self.kind} measured ({self.source})"
            case low, None:
                return f"{self.kind} >= {low:g} ({self.source})"
            case None, high:
                return f"{self.kind} <= {high:g} ({self.source})"
            case low, high:
                return f"{low:g} <= {self.kind} <= {high:g} ({self.source})"


def evidence_of(measured: Measurement, criterion: str, *, met: bool | None) -> Evidence:
    """Return a measurement as evidence for or against ``criterion``."""
    return Evidence(
        measurement=measured.kind.value,
        lead=measured.lead,
        value=measured.value,
        unit=measured.unit,
        low=measured.low,
        high=measured.high,
        beats=measured.beats,
        samples=measured.samples,
        method=measured.method,
        criterion=criterion,
        met=met,
    )


def missing(kind: str, lead: Lead | None, criterion: str, reason: str) -> Evidence:
    """Return the evidence that a number could not be taken, and why."""
    return Evidence(measurement=kind, lead=lead, method=reason, criterion=criterion, met=None)


def band_of(subject: str, value: float) -> float:
    """Return the precision band of a claim subject at ``value``, in the unit of the measurement."""
    if subject == "rr_interval":
        return max(RR_MIN_MS, HEART_RATE_BPM * value * value / 60_000.0)
    if subject.endswith("_amplitude") or subject == "st_level":
        return max(AMPLITUDE_MIN_MV, AMPLITUDE_SHARE * abs(value))
    return PRECISION[subject]


def doubt_of(measured: Measurement) -> float:
    """Return how near a limit a measurement decides nothing: one SD, half its 95 % half width."""
    least = AMPLITUDE_MIN_MV if measured.unit == "mV" else 0.0
    return max(LIMIT_SHARE * measured.uncertainty, least)


def hold(value: float, low: float | None, high: float | None, doubt: float) -> Held:
    """Compare ``value`` with its limits; within ``doubt`` of one of them nothing is decided."""
    distance = min(
        value - low if low is not None else float("inf"), high - value if high is not None else float("inf")
    )
    if abs(distance) < doubt or (distance < 0.0 and -distance < doubt):
        return Held.NEAR
    return Held.MET if distance >= 0.0 else Held.VIOLATED


def against_limit(limit: Limit, waveform: Waveform, lead: Lead | None) -> Tested:
    """Hold one limit against one lead, or against the whole ECG where the lead has no such number."""
    place = None if limit.whole_ecg else lead
    if place is not None and not waveform.usable(place):
        return _unmeasured(limit, waveform, place)
    measured = waveform.measurements.get(limit.kind, place)
    if measured is None and limit.absent_with is not None:
        beside = waveform.measurements.get(limit.absent_with, place)
        if beside is not None:
            return _absent_wave(limit, beside)
    if measured is None:
        return _unmeasured(limit, waveform, place)
    held = hold(measured.value, limit.low, limit.high, max(doubt_of(measured), limit.band))
    met = None if held is Held.NEAR else held is Held.MET
    return Tested(held=held, lead=place, evidence=(evidence_of(measured, limit.words, met=met),))


def _absent_wave(limit: Limit, beside: Measurement) -> Tested:
    held = hold(0.0, limit.low, limit.high, 0.0)
    shown = replace(
        evidence_of(beside, limit.words, met=held is Held.MET),
        measurement=limit.kind.value,
        value=0.0,
        low=0.0,
        high=0.0,
        method=f"not there in a measured wave ({beside.kind})",
    )
    return Tested(held=held, lead=beside.lead, evidence=(shown,))


def _unmeasured(limit: Limit, waveform: Waveform, lead: Lead | None) -> Tested:
    reason = waveform.why_not(limit.kind, lead)
    return Tested(
        held=Held.UNMEASURED,
        lead=lead,
        reason=reason,
        evidence=(missing(limit.kind.value, lead, limit.words, reason),),
    )


def all_of(parts: Sequence[Tested]) -> Tested:
    """Join conditions that must all hold: one violated is enough against, one unknown leaves it open."""
    return _join(parts, (Held.VIOLATED, Held.UNMEASURED, Held.NEAR, Held.MET))


def any_of(parts: Sequence[Tested]) -> Tested:
    """Join conditions of which one is enough; those that could not be measured count only if none could."""
    known = [part for part in parts if part.held is not Held.UNMEASURED]
    return _join(known or parts, (Held.MET, Held.NEAR, Held.UNMEASURED, Held.VIOLATED))


def _join(parts: Sequence[Tested], order: tuple[Held, ...]) -> Tested:
    first = min(parts, key=lambda part: order.index(part.held))
    evidence = tuple(item for part in parts for item in part.evidence)
    return Tested(held=first.held, lead=first.lead, evidence=evidence, reason=first.reason)


def over_named_leads(tested: Sequence[Tested]) -> Outcome:
    """Give the verdict for leads a claim names: all, more than half, or split."""
    evidence = tuple(item for part in tested for item in part.evidence)
    violated = [part for part in tested if part.held is Held.VIOLATED]
    unmeasured = [part for part in tested if part.held is Held.UNMEASURED]
    if violated and 2 * len(violated) > len(tested):
        return Outcome(verdict=Verdict.CONTRADICTED, reason=_where("against", violated), evidence=evidence)
    if all(part.held is Held.MET for part in tested):
        return Outcome(verdict=Verdict.SUPPORTED, reason="the measurement agrees", evidence=evidence)
    if unmeasured and not violated:
        return Outcome(verdict=Verdict.NOT_MEASURABLE, reason=_reasons(unmeasured), evidence=evidence)
    if violated:
        return Outcome(
            verdict=Verdict.BORDERLINE, reason=_where("leads are split: not", violated), evidence=evidence
        )
    return Outcome(
        verdict=Verdict.BORDERLINE, reason="within the uncertainty of the limit", evidence=evidence
    )


def in_some_leads(tested: Sequence[Tested], needed: int) -> Outcome:
    """Give the verdict for "there is …" said of the whole ECG: ``needed`` leads must show it."""
    evidence = tuple(item for part in tested for item in part.evidence if part.held is not Held.UNMEASURED)
    met = [part for part in tested if part.held is Held.MET]
    open_ = [part for part in tested if part.held is Held.NEAR]
    measured = [part for part in tested if part.held is not Held.UNMEASURED]
    if not measured:
        return _nothing_measured(tested)
    if len(met) >= needed:
        shown = tuple(item for part in met for item in part.evidence)
        return Outcome(verdict=Verdict.SUPPORTED, reason=_where("found", met), evidence=shown)
    if met or len(open_) >= needed:
        return Outcome(verdict=Verdict.BORDERLINE, reason=_where("only", met or open_), evidence=evidence)
    return Outcome(verdict=Verdict.CONTRADICTED, reason="in no lead", evidence=evidence)


def in_every_lead(tested: Sequence[Tested], allowed: int) -> Outcome:
    """Give the verdict for what is said of all leads; a finding needs ``allowed`` leads to break it."""
    evidence = tuple(item for part in tested for item in part.evidence if part.held is not Held.UNMEASURED)
    violated = [part for part in tested if part.held is Held.VIOLATED]
    near = [part for part in tested if part.held is Held.NEAR]
    measured = len([part for part in tested if part.held is not Held.UNMEASURED])
    if not measured:
        return _nothing_measured(tested)
    if len(violated) >= allowed:
        shown = tuple(item for part in violated for item in part.evidence)
        return Outcome(verdict=Verdict.CONTRADICTED, reason=_where("against", violated), evidence=shown)
    if violated or 2 * len(near) > len(tested):
        return Outcome(verdict=Verdict.BORDERLINE, reason=_where("near", violated or near), evidence=evidence)
    if 2 * measured < len(tested):
        return _nothing_measured(tested)
    return Outcome(verdict=Verdict.SUPPORTED, reason="the measurement agrees in all leads", evidence=evidence)


def _nothing_measured(tested: Sequence[Tested]) -> Outcome:
    evidence = tuple(item for part in tested for item in part.evidence)
    return Outcome(verdict=Verdict.NOT_MEASURABLE, reason=_reasons(tested), evidence=evidence)


def _where(words: str, parts: Sequence[Tested]) -> str:
    leads = [part.lead.value for part in parts if part.lead is not None]
    return (
        f"{words}: {' '.join(leads)}"
        if leads
        else "the measurement disagrees"
        if words == "against"
        else words
    )


def _reasons(parts: Sequence[Tested]) -> str:
    return "; ".join(dict.fromkeys(part.reason for part in parts if part.reason)) or "not measured"


def is_absent(claim: Claim) -> bool:
    """Say whether the claim denies."""
    return claim.polarity is Polarity.ABSENT
