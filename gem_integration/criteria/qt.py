"""QT: how long and how short, ecg-criteria section 3.1, statements 46 and 47; times in ms.

AHA/ACCF/HRS 2009 part IV unless another source is named.
"""

from __future__ import annotations

from gem_integration.criteria.infarction import branch_note
from gem_integration.criteria.parts import Case, Outcome, judged, renamed, unknown
from gem_integration.domain.identity import Sex
from gem_integration.domain.measurement import Measurement
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.domain.statement import Urgency

QTC_LONG_MS = {Sex.MALE: 450.0, Sex.FEMALE: 460.0, None: 460.0}
QTC_STRONG_MS = {Sex.MALE: 470.0, Sex.FEMALE: 480.0, None: 480.0}
QTC_CRITICAL_MS = 500.0
QTC_SHORT_MS = 390.0
QTC_SHORT_SQTS_MS = 360.0
QTC_SHORT_DIAGNOSTIC_MS = 340.0
QRS_WIDE_MS = 120.0
BOGOSSIAN_SHARE = 0.485
"""Bogossian 2014: QT less 48.5 % of a wide QRS."""


def corrected_qt(case: Case) -> Measurement | None:
    """Return QTc (Fridericia), less Bogossian's share of the QRS when that is wide; ms."""
    qtc = case.measurements.get(Kind.QTC_FRIDERICIA)
    qt, qrs = case.value(Kind.QT_INTERVAL), case.value(Kind.QRS_DURATION)
    if qtc is None or qt is None or qrs is None or not QRS_WIDE_MS <= qrs < qt:
        return qtc
    return Measurement(
        kind=Kind.QTC_FRIDERICIA,
        value=qtc.value * (qt - BOGOSSIAN_SHARE * qrs) / qt,
        unit=qtc.unit,
        beats=qtc.beats,
        samples=qtc.samples,
        method=f"{qtc.method}, less 48.5 % of the QRS (Bogossian)",
        uncertainty=qtc.uncertainty,
    )


def long_qt(case: Case) -> Outcome:
    """Test for QTc (Fridericia) over 450 ms in men, 460 in women; 500 ms or more is critical."""
    qtc = corrected_qt(case)
    limit = QTC_LONG_MS[case.demographics.sex]
    criterion = f"qtc_fridericia > {limit:g} ms"
    if qtc is None:
        return unknown(Kind.QTC_FRIDERICIA, criterion, case.measurements.why_not(Kind.QTC_FRIDERICIA))
    outcome = judged(qtc, ">", limit, criterion=criterion)
    if qtc is not case.measurements.get(Kind.QTC_FRIDERICIA):
        outcome = renamed(outcome, "qtc_less_wide_qrs")
    if qtc.value >= QTC_CRITICAL_MS:
        return outcome.noted("500 ms or more", Urgency.CRITICAL)
    if qtc.value > QTC_STRONG_MS[case.demographics.sex]:
        return outcome.noted("strongly prolonged", Urgency.URGENT)
    note = branch_note(case.demographics) if case.demographics.sex is None else None
    return outcome.noted(note)


def short_qt(case: Case) -> Outcome:
    """Test for QTc (Fridericia) of at most 360 ms; at most 340 is urgent.

    Part IV calls 390 ms short, which a third of healthy adults reach; those are only noted.
    """
    outcome = case.at_most(Kind.QTC_FRIDERICIA, QTC_SHORT_SQTS_MS)
    qtc = case.value(Kind.QTC_FRIDERICIA)
    if qtc is None:
        return outcome
    if not outcome.likely:
        return outcome.noted("under 390 ms" if qtc <= QTC_SHORT_MS else None)
    return outcome.noted(None, Urgency.URGENT if qtc <= QTC_SHORT_DIAGNOSTIC_MS else Urgency.ROUTINE)
