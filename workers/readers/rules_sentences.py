"""The sentences of the rules reader, from rhythm to impression; every number is a measurement's.

What could not be measured is said to be so; nothing is filled in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import MappingProxyType

from gem_integration.domain.ecg import STANDARD_LEADS, Lead
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.domain.measurement import Measurements
from gem_integration.domain.statement import Statement, StatementState, Urgency
from workers.readers.rules_rhythm import atrial_sentences, rhythm_sentences
from workers.readers.rules_words import NOT_IN_IMPRESSION, Facts, degrees, in_leads, listed, ms, mv, phrase

QRS_NORMAL_MS = 110.0
QRS_WIDE_MS = 120.0
QTC_LONG_MS = 450.0
R_PRIME_MV = 0.1
ST_LEVEL_MV = 0.05
ST_ELEVATION_MV = 0.1
T_INVERTED_MV = -0.1
LEFT_LEADS = (Lead.I, Lead.AVL, Lead.V5, Lead.V6)
T_JUDGED = tuple(lead for lead in STANDARD_LEADS if lead not in (Lead.AVR, Lead.V1))
ALARM_ORDER = {Urgency.CRITICAL: 0, Urgency.URGENT: 1}
"""Alarms lead the impression; all else stays in table order, rhythm first."""


def describe(measurements: Measurements, statements: Iterable[Statement]) -> str:
    """Return the whole text for one recording; only rate and rhythm when its quality forbids more."""
    facts = Facts(
        measurements=measurements,
        statements=MappingProxyType({item.statement_id: item for item in statements}),
    )
    if not measurements.quality.usable:
        return " ".join(_limited(facts))
    body = (
        *rhythm_sentences(facts),
        *atrial_sentences(facts),
        *_qrs(facts),
        *_axis_and_voltage(facts),
        *_st(facts),
        *_t(facts),
        *_qt(facts),
        *_quality(facts),
    )
    return f"{' '.join(body)}\n\n{_impression(facts)}"


def _limited(facts: Facts) -> Iterator[str]:
    reasons = "; ".join(facts.measurements.quality.reasons) or "too little usable signal"
    yield f"This recording is technically limited and is not interpretable: {reasons}."
    yield from rhythm_sentences(facts)


def _quality(facts: Facts) -> Iterator[str]:
    quality = facts.measurements.quality
    bad = [lead for lead, state in quality.leads.items() if not state.usable]
    if bad:
        yield f"The signal {in_leads(bad)} could not be judged for technical reasons."


def _qrs(facts: Facts) -> Iterator[str]:
    qrs = facts.number(Kind.QRS_DURATION)
    if qrs is None:
        yield "The QRS duration could not be measured."
        return
    if qrs >= QRS_WIDE_MS:
        yield f"The QRS complex is wide with a QRS duration of {ms(qrs)}."
    elif qrs >= QRS_NORMAL_MS:
        yield f"The QRS duration is {ms(qrs)}, slightly above the usual range."
    else:
        yield f"The QRS duration is {ms(qrs)}, which is normal."
    yield from _block_shape(facts)
    if facts.likely("wpw"):
        yield "The onset of the QRS complex is slurred, consistent with a delta wave."
    if facts.likely("q_mi"):
        yield from _q_waves(facts, facts.statements["q_mi"].leads)


def _block_shape(facts: Facts) -> Iterator[str]:
    if any(facts.likely(name) for name in ("rbbb", "irbbb")):
        prime = facts.number(Kind.R_PRIME_AMPLITUDE, Lead.V1) or 0.0
        if prime >= R_PRIME_MV:
            yield "There is an rsR' pattern in lead V1."
        yield from _amplitudes(facts, Kind.S_AMPLITUDE, "S wave", (Lead.I, Lead.V6))
    if any(facts.likely(name) for name in ("lbbb", "ilbbb")):
        notched = [lead for lead in LEFT_LEADS if (facts.number(Kind.QRS_NOTCH_COUNT, lead) or 0.0) >= 1]
        if notched:
            yield f"The QRS complex is notched {in_leads(notched)}."
        yield from _amplitudes(facts, Kind.R_AMPLITUDE, "R wave", (Lead.V6,))


def _q_waves(facts: Facts, leads: Iterable[Lead]) -> Iterator[str]:
    with_q = [lead for lead in leads if (facts.number(Kind.Q_AMPLITUDE, lead) or 0.0) < 0.0]
    if with_q:
        yield f"Q waves are present {in_leads(with_q)}."
    yield from _amplitudes(facts, Kind.Q_AMPLITUDE, "Q wave", with_q)


def _amplitudes(facts: Facts, kind: Kind, wave: str, leads: Iterable[Lead]) -> Iterator[str]:
    known = [(lead, facts.number(kind, lead)) for lead in leads]
    said = [f"{mv(value)} in lead {lead}" for lead, value in known if value]
    if said:
        yield f"The {wave} amplitude is {listed(said)}."


def _axis_and_voltage(facts: Facts) -> Iterator[str]:
    axis = facts.number(Kind.QRS_AXIS)
    if axis is None:
        yield "The QRS axis could not be measured."
    elif facts.met("lead_reversal"):
        yield "The QRS axis could not be measured because electrodes are exchanged."
    elif facts.likely("axis_dev"):
        yield f"The QRS axis is {degrees(axis)}, consistent with {phrase(facts.statements['axis_dev'])}."
    else:
        yield f"The QRS axis is {degrees(axis)}, which is normal."
    if facts.likely("prwp"):
        yield "R wave progression across the precordial leads is poor."
        yield from _amplitudes(facts, Kind.R_AMPLITUDE, "R wave", (Lead.V2, Lead.V3, Lead.V4))
    if facts.likely("lvh"):
        yield from _amplitudes(facts, Kind.S_AMPLITUDE, "S wave", (Lead.V1,))
        yield from _amplitudes(facts, Kind.R_AMPLITUDE, "R wave", (Lead.AVL, Lead.V5))
    if facts.likely("rvh"):
        yield from _amplitudes(facts, Kind.R_AMPLITUDE, "R wave", (Lead.V1,))


def _st(facts: Facts) -> Iterator[str]:
    at_j = _levels(facts, Kind.ST_J)
    if not at_j:
        yield "The ST segment could not be measured."
        return
    also = facts.statements["st_dep"].leads if facts.likely("st_dep") else ()
    up = [(lead, level) for lead, level in at_j.items() if level >= ST_ELEVATION_MV]
    down = [(lead, level) for lead, level in at_j.items() if level <= -ST_ELEVATION_MV or lead in also]
    for name, found in (("elevation", up), ("depression", down)):
        if found:
            said = listed([f"{mv(level)} in lead {lead}" for lead, level in found])
            yield f"There is ST {name} of {said}."
    if up and facts.state("stemi") is StatementState.NOT_MET:
        yield "The STEMI criteria are not met."
    absent = list(_absent_deviation([*at_j.values(), *_levels(facts, Kind.ST_J60).values()]))
    if absent and not up and not down:
        yield f"There is no significant {' or '.join(absent)}."


def _levels(facts: Facts, kind: Kind) -> dict[Lead, float]:
    levels = ((lead, facts.number(kind, lead)) for lead in STANDARD_LEADS)
    return {lead: level for lead, level in levels if level is not None}


def _absent_deviation(levels_mv: list[float]) -> Iterator[str]:
    """Name what is absent at J and 60 ms later in every lead; what is near its limit is not called absent."""
    if max(levels_mv) < ST_ELEVATION_MV:
        yield "ST elevation"
    if min(levels_mv) > -ST_LEVEL_MV:
        yield "ST depression"


def _t(facts: Facts) -> Iterator[str]:
    known = [(lead, facts.number(Kind.T_AMPLITUDE, lead)) for lead in T_JUDGED]
    measured = [(lead, value) for lead, value in known if value is not None]
    if not measured:
        yield "The T waves could not be measured."
        return
    inverted = [lead for lead, value in measured if value <= T_INVERTED_MV]
    if inverted:
        yield f"The T waves are inverted {in_leads(inverted)}."
        yield from _amplitudes_signed(facts, inverted)
    upright = [lead for lead, value in measured if value >= -T_INVERTED_MV]
    if upright:
        yield f"The T waves are upright {in_leads(upright)}."


def _amplitudes_signed(facts: Facts, leads: Iterable[Lead]) -> Iterator[str]:
    known = [(lead, facts.number(Kind.T_AMPLITUDE, lead)) for lead in leads]
    said = [f"{value:.2f} mV in lead {lead}" for lead, value in known if value is not None]
    yield f"The T wave amplitude is {listed(said)}."


def _qt(facts: Facts) -> Iterator[str]:
    qt, qtc = facts.number(Kind.QT_INTERVAL), facts.number(Kind.QTC_FRIDERICIA)
    if qt is None or qtc is None:
        yield "The QT interval could not be measured."
        return
    if facts.likely("long_qt"):
        verdict = "prolonged" if facts.met("long_qt") else "borderline prolonged"
        yield f"The QT interval is {ms(qt)} and the QTc (Fridericia) is {ms(qtc)}, which is {verdict}."
    elif qtc <= QTC_LONG_MS and not facts.likely("short_qt"):
        yield f"The QT interval is {ms(qt)} and the QTc (Fridericia) is {ms(qtc)}, which is normal."
    else:
        yield f"The QT interval is {ms(qt)} and the QTc (Fridericia) is {ms(qtc)}."


def _impression(facts: Facts) -> str:
    if facts.met("normal_ecg"):
        return f"Impression: {listed([*(phrase(item) for item in _named(facts)), 'normal ECG'])}."
    named = sorted(_named(facts), key=lambda item: ALARM_ORDER.get(item.urgency, len(ALARM_ORDER)))
    if not named:
        return "Impression: no statement could be made from the criteria."
    return f"Impression: {'; '.join(phrase(item) for item in named)}."


def _named(facts: Facts) -> list[Statement]:
    return [
        item
        for item in facts.statements.values()
        if facts.likely(item.statement_id) and item.statement_id not in NOT_IN_IMPRESSION
    ]
