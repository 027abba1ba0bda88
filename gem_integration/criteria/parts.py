"""The parts criteria are built of: one number against one limit.

A part is *met* or *not met* outside a margin around its limit and *borderline* inside it; without its
number it is *not measurable*.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from gem_integration.domain.ecg import Lead
from gem_integration.domain.evidence import Evidence
from gem_integration.domain.identity import Demographics
from gem_integration.domain.measurement import Measurement, MeasurementKind, Measurements
from gem_integration.domain.statement import StatementState, Urgency
from gem_integration.terminology.codes import measurement_codes

MET = StatementState.MET
BORDERLINE = StatementState.BORDERLINE
NOT_MET = StatementState.NOT_MET
NOT_MEASURABLE = StatementState.NOT_MEASURABLE

MARGIN_SHARE = 0.5
"""Share of a measurement's 95 % half width within which a limit is borderline."""

WAVE_OF: Mapping[MeasurementKind, MeasurementKind] = {
    MeasurementKind.Q_DURATION: MeasurementKind.Q_AMPLITUDE,
    MeasurementKind.R_DURATION: MeasurementKind.R_AMPLITUDE,
    MeasurementKind.S_DURATION: MeasurementKind.S_AMPLITUDE,
    MeasurementKind.R_PRIME_DURATION: MeasurementKind.R_PRIME_AMPLITUDE,
    MeasurementKind.R_PEAK_TIME: MeasurementKind.R_AMPLITUDE,
    MeasurementKind.P_TERMINAL_DURATION: MeasurementKind.P_NEGATIVE_AMPLITUDE,
    MeasurementKind.P_NOTCH_GAP: MeasurementKind.P_AMPLITUDE,
}
"""The amplitude that tells whether a wave with no duration is absent or only unmeasured."""

REPEATABILITY: Mapping[MeasurementKind, float] = {
    MeasurementKind.PR_INTERVAL: 5.0,
    MeasurementKind.QRS_DURATION: 5.0,
    MeasurementKind.QT_INTERVAL: 10.0,
    MeasurementKind.QTC_FRIDERICIA: 10.0,
    MeasurementKind.Q_DURATION: 1.5,
}
"""Widest margin in ms: the 75th percentile of the difference between programs (de Bie 2020).

A septal q of health ends 2 to 4 ms short of the limit of a pathological one: its margin is under a sample.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a rule found: its state, the parts it rests on, and the leads in which it holds.

    ``urgency`` and ``note`` override the statement's default where the numbers ask for it.
    """

    state: StatementState
    parts: tuple[Evidence, ...] = ()
    leads: tuple[Lead, ...] = ()
    urgency: Urgency | None = None
    note: str | None = None

    @property
    def holds(self) -> bool:
        """Say whether the criteria are met outside the margin."""
        return self.state is MET

    @property
    def likely(self) -> bool:
        """Say whether the criteria are met, or lie within the margin of a limit."""
        return self.state in (MET, BORDERLINE)

    def noted(self, note: str | None, urgency: Urgency | None = None) -> Outcome:
        """Return this outcome with a note and, if given, another urgency."""
        return replace(self, note=note, urgency=urgency or self.urgency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The numbers of one recording and the person's age and sex."""

    measurements: Measurements
    demographics: Demographics

    def value(self, kind: MeasurementKind, lead: Lead | None = None) -> float | None:
        """Return the number of ``kind`` in ``lead`` (``None``: global), if it was measured."""
        return self.measurements.value(kind, lead)

    def at_least(self, kind: MeasurementKind, limit: float, *, lead: Lead | None = None) -> Outcome:
        """Test ``kind >= limit``."""
        return self._compare(kind, ">=", limit, lead=lead)

    def above(self, kind: MeasurementKind, limit: float, *, lead: Lead | None = None) -> Outcome:
        """Test ``kind > limit``."""
        return self._compare(kind, ">", limit, lead=lead)

    def at_most(self, kind: MeasurementKind, limit: float, *, lead: Lead | None = None) -> Outcome:
        """Test ``kind <= limit``."""
        return self._compare(kind, "<=", limit, lead=lead)

    def below(self, kind: MeasurementKind, limit: float, *, lead: Lead | None = None) -> Outcome:
        """Test ``kind < limit``."""
        return self._compare(kind, "<", limit, lead=lead)

    def within(self, kind: MeasurementKind, low: float, high: float) -> Outcome:
        """Test ``low <= kind < high`` for a global quantity; borderline only just outside.

        Neighbouring classes (a rate, an axis sector) thus meet without a gap and without an overlap.
        """
        unit = measurement_codes()[kind].unit
        criterion = f"{low:g} <= {kind} < {high:g} {unit}"
        found = self.measurements.get(kind)
        if found is None:
            return unknown(kind, criterion, self.measurements.why_not(kind))
        met = low <= found.value < high
        margin = margin_of(found)
        near = low - margin <= found.value <= high + margin
        part = evidence_of(found, criterion=criterion, met=met)
        return Outcome(state=MET if met else BORDERLINE if near else NOT_MET, parts=(part,))

    def seen(
        self, kind: MeasurementKind, criterion: str, *, met: bool, lead: Lead | None = None, method: str = ""
    ) -> Outcome:
        """Put a measurement under a criterion that relates it to others; ``method`` names the others."""
        found = self.measurements.get(kind, lead)
        if found is None:
            return unknown(kind, criterion, self.measurements.why_not(kind, lead), lead=lead)
        part = evidence_of(found, criterion=criterion, met=met)
        part = replace(part, method="; ".join(filter(None, (found.method, method))))
        leads = () if lead is None else (lead,)
        return Outcome(state=MET if met else NOT_MET, parts=(part,), leads=leads)

    def _compare(self, kind: MeasurementKind, operator: str, limit: float, *, lead: Lead | None) -> Outcome:
        unit = measurement_codes()[kind].unit
        criterion = f"{kind} {operator} {limit:g}{'' if unit == '1' else ' ' + unit}"
        found = self.measurements.get(kind, lead)
        if found is not None:
            return judged(found, operator, limit, criterion=criterion)
        if operator.startswith(">") and self._absent(kind, lead):
            return self.seen(WAVE_OF[kind], criterion, met=False, lead=lead, method="no such wave")
        return unknown(kind, criterion, self.measurements.why_not(kind, lead), lead=lead)

    def _absent(self, kind: MeasurementKind, lead: Lead | None) -> bool:
        """Say whether the wave was looked for and is not there; a P without a second peak has no notch."""
        wave = WAVE_OF.get(kind)
        amplitude = None if wave is None else self.value(wave, lead)
        return amplitude is not None and (amplitude == 0.0 or kind is MeasurementKind.P_NOTCH_GAP)


def margin_of(found: Measurement) -> float:
    """Return how near a limit must be for the number to decide nothing."""
    return min(MARGIN_SHARE * found.uncertainty, REPEATABILITY.get(found.kind, float("inf")))


def judged(found: Measurement, operator: str, limit: float, *, criterion: str) -> Outcome:
    """Put one measurement against one limit; borderline within ``MARGIN_SHARE`` of its uncertainty."""
    upward = operator.startswith(">")
    distance = found.value - limit if upward else limit - found.value
    met = distance >= 0.0 if operator.endswith("=") else distance > 0.0
    margin = margin_of(found)
    near = margin > 0.0 and abs(distance) <= margin
    return Outcome(
        state=BORDERLINE if near else MET if met else NOT_MET,
        parts=(evidence_of(found, criterion=criterion, met=met),),
        leads=() if found.lead is None else (found.lead,),
    )


def evidence_of(found: Measurement, *, criterion: str, met: bool) -> Evidence:
    """Return a measurement as the evidence for or against a criterion."""
    return Evidence(
        measurement=found.kind,
        lead=found.lead,
        value=found.value,
        unit=found.unit,
        low=found.low,
        high=found.high,
        beats=found.beats,
        samples=found.samples,
        method=found.method,
        criterion=criterion,
        met=met,
    )


def unknown(measurement: str, criterion: str, why: str, *, lead: Lead | None = None) -> Outcome:
    """Return the outcome of a criterion whose number could not be taken, saying why."""
    part = Evidence(measurement=measurement, lead=lead, method=why, criterion=criterion, met=None)
    return Outcome(state=NOT_MEASURABLE, parts=(part,))


def observed(
    name: str, criterion: str, *, met: bool, method: str = "", value: float | None = None
) -> Outcome:
    """Return the outcome of something seen or derived; ``name`` is its own, never a measurement kind's."""
    part = Evidence(measurement=name, value=value, method=method, criterion=criterion, met=met)
    return Outcome(state=MET if met else NOT_MET, parts=(part,))


def combined(
    case: Case,
    kind: MeasurementKind,
    terms: Iterable[tuple[MeasurementKind, Lead | None, float]],
    *,
    name: str,
    limit: float,
) -> Outcome:
    """Test whether a weighted sum of measurements reaches ``limit`` (``name`` is the sum in words).

    ``terms`` are (kind, lead, weight) in the unit of ``kind``; the part is a ``voltage_sum``, with the
    samples of all terms.
    """
    criterion = f"{name} >= {limit:g} {measurement_codes()[kind].unit}"
    found: list[tuple[Measurement, float]] = []
    for term, lead, weight in terms:
        measurement = case.measurements.get(term, lead)
        if measurement is None:
            return unknown(kind, criterion, case.measurements.why_not(term, lead), lead=lead)
        found.append((measurement, weight))
    total = Measurement(
        kind=kind,
        value=sum(item.value * weight for item, weight in found),
        unit=measurement_codes()[kind].unit,
        beats=found[0][0].beats,
        samples=tuple(sorted({span for item, _ in found for span in item.samples})),
        method=f"sum: {name}",
        uncertainty=sum((item.uncertainty * weight) ** 2 for item, weight in found) ** 0.5,
    )
    return renamed(judged(total, ">=", limit, criterion=criterion), "voltage_sum")


def renamed(outcome: Outcome, name: str) -> Outcome:
    """Return an outcome whose parts are a derived quantity and so carry its own name."""
    return replace(outcome, parts=tuple(replace(part, measurement=name) for part in outcome.parts))
