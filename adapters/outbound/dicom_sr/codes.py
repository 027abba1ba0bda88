"""Concepts of the ECG report: DICOM PS3.16 templates 3700 to 3719 and 1002, and our own where it has none."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.outbound.dicom_sr.items import Code, own
from gem_integration.domain.ecg import Lead
from gem_integration.domain.evidence import Verdict
from gem_integration.domain.measurement import MeasurementKind
from gem_integration.domain.statement import Statement
from gem_integration.terminology.codes import MDC_PARTITION_SIZE, lead_codes, measurement_codes
from gem_integration.terminology.loinc_leads import loinc_per_lead
from gem_integration.terminology.statements import finding_of, name_of

# TID 3700 ECG Report and what it includes
ECG_REPORT = Code("28010-7", "LN", "ECG Report")
PROCEDURE = Code("55111-9", "LN", "Current Procedure Descriptions")
STARTED = Code("111526", "DCM", "DateTime Started")
QUANTITATIVE = Code("122144", "DCM", "Quantitative Analysis")
GLOBAL = Code("122158", "DCM", "ECG Global Measurements")
IN_LEAD = Code("122159", "DCM", "ECG Lead Measurements")
LEAD_ID = Code("122148", "DCM", "Lead ID")
BEAT_NUMBER = Code("122149", "DCM", "Beat Number")
SOURCE = Code("121112", "DCM", "Source of Measurement")
QUALITATIVE = Code("122145", "DCM", "Qualitative Analysis")
ECG_FINDING = Code("271921002", "SCT", "ECG Finding")
SUMMARY = Code("55112-7", "LN", "Summary")
CONCLUSION = Code("121077", "DCM", "Conclusion")
ALGORITHM_NAME = Code("111001", "DCM", "Algorithm Name")

# TID 1204 language, TID 1002 and 1004 the observer
LANGUAGE = Code("121049", "DCM", "Language of Content Item and Descendants")
ENGLISH = Code("en", "RFC5646", "English")
OBSERVER_TYPE = Code("121005", "DCM", "Observer Type")
DEVICE = Code("121007", "DCM", "Device")
OBSERVER_UID = Code("121012", "DCM", "Device Observer UID")
OBSERVER_NAME = Code("121013", "DCM", "Device Observer Name")
OBSERVER_MODEL = Code("121015", "DCM", "Device Observer Model Name")
OBSERVER_SERIAL = Code("121016", "DCM", "Device Observer Serial Number")

# what DICOM has no concept for
CLAIMS = own("claims", "Claims of the reader, checked against the waveform")
VERDICT = own("verdict", "Verdict from the waveform")
REASON = own("reason", "Reason of the verdict")
CRITERION = own("criterion", "Criterion")
SUBJECT = own("claim-subject", "Subject of the claim")
READER_TEXT = own("reader-text", "Text of the reader, verbatim and unchecked")
NOT_CONFIRMED = own("not-confirmed", "Stated by the reader, not confirmed by the waveform")
CART_STATEMENT = own("cart-statement", "Statement of the ECG device")
QUALITY = own("quality", "Quality of the recording")
STATE = own("state", "State of the statement")
CODE_VERSION = own("code-version", "Version of the measuring and checking code")

#: The concept name carries the verdict: a viewer that shows name and text cannot turn a contradicted
#: claim into a finding.
CLAIM: Mapping[Verdict, Code] = {
    Verdict.SUPPORTED: own("claim-supported", "Claim supported by the waveform"),
    Verdict.CONTRADICTED: own("claim-contradict", "Claim CONTRADICTED by the waveform"),
    Verdict.BORDERLINE: own("claim-borderline", "Claim borderline on the waveform"),
    Verdict.NOT_MEASURABLE: own("claim-unmeasured", "Claim that could not be measured"),
    Verdict.NOT_GROUNDABLE: own("claim-unground", "Claim no waveform could show"),
}

#: CID 3678 QT Correction Algorithms.
QTC_ALGORITHMS: Mapping[MeasurementKind, Code] = {
    MeasurementKind.QTC_BAZETT: Code("122730", "DCM", "Bazett QTc Algorithm"),
    MeasurementKind.QTC_HODGES: Code("122731", "DCM", "Hodges QTc Algorithm"),
    MeasurementKind.QTC_FRIDERICIA: Code("122732", "DCM", "Fridericia QTc Algorithm"),
    MeasurementKind.QTC_FRAMINGHAM: Code("122733", "DCM", "Framingham QTc Algorithm"),
}
QTC = Code("8636-3", "LN", "QTc interval")

#: UCUM units by their meaning in DICOM (CID 82, 3082 and kin).
UNIT_MEANINGS: Mapping[str, str] = {
    "/min": "per minute",
    "ms": "millisecond",
    "mV": "millivolt",
    "deg": "degree",
    "1": "no units",
}


def unit(ucum: str | None) -> Code:
    """Return a UCUM unit; the absence of one is the unit 1."""
    value = ucum or "1"
    return Code(value, "UCUM", UNIT_MEANINGS.get(value, value))


def lead_code(lead: Lead) -> Code:
    """Return a lead of CID 3001."""
    return Code(lead_codes()[lead].mdc_dicom, "MDC", f"Lead {lead}")


def measurement_code(kind: MeasurementKind, lead: Lead | None) -> Code:
    """Return what a measurement is called: MDC as DICOM writes it, LOINC, or our own kind.

    MDC's numbers name global values; a QTc goes under LOINC's, its formula beside it (TID 3713).
    """
    names = measurement_codes()[kind]
    if kind in QTC_ALGORITHMS:
        return QTC
    if lead is None and names.mdc is not None:
        return Code(f"2:{names.mdc % MDC_PARTITION_SIZE}", "MDC", names.display)
    if lead is not None and (loinc := loinc_per_lead().get((kind, lead))):
        return Code(loinc, "LN", f"{names.display}, lead {lead}")
    return own(kind.value, names.display if lead is None else f"{names.display}, lead {lead}")


def evidence_code(measurement: str, lead: Lead | None) -> Code:
    """Return what a piece of evidence is called, also where it is no measurement kind of ours."""
    try:
        kind = MeasurementKind(measurement)
    except ValueError:
        return own(measurement, measurement.replace("_", " "))
    return measurement_code(kind, lead)


def statement_code(statement: Statement) -> Code:
    """Return a statement as a SNOMED CT finding, or as our own where it has none."""
    name, finding = name_of(statement), finding_of(statement)
    return Code(finding, "SCT", name) if finding else own(statement.statement_id, name)
