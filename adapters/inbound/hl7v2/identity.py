"""An ECG file inside a message, and whose it is: the message's patient wins, a contradiction stops it."""

from __future__ import annotations

from dataclasses import replace

from adapters.inbound.hl7v2.fields import Moment, Person
from gem_integration.domain.identity import Patient
from gem_integration.domain.study import InboundEcg
from gem_integration.errors import IdentityConflict

#: The assigner of an embedded object's id that stands in for a patient id it does not have.
NO_PATIENT_ID = "SOPInstanceUID"


def with_context(ecg: InboundEcg, who: Person, performed: tuple[Moment | None, str]) -> InboundEcg:
    """Return an embedded ``ecg`` checked against the message's patient, with its time where it has none.

    Raises ``IdentityConflict`` when the two name different patients or birth dates.
    """
    check_same_person(ecg.patient, who)
    warnings = ecg.warnings + _differing_sex(ecg.patient, who)
    at, text = performed
    if ecg.acquisition.performed_at is not None or at is None:
        return replace(ecg, warnings=warnings)
    acquisition = replace(
        ecg.acquisition, performed_at=at.at, performed_at_text=text or None, zone_assumed=at.zone_assumed
    )
    return replace(ecg, acquisition=acquisition, warnings=warnings)


def check_same_person(embedded: Patient | None, who: Person) -> None:
    """Refuse an embedded patient whose id is none of the message's, or whose birth date differs."""
    if embedded is None or who.patient is None:
        return
    if embedded.assigner != NO_PATIENT_ID and embedded.patient_id not in who.identifiers:
        raise IdentityConflict("the embedded ECG and the message (PID-3) name different patients")
    births = (embedded.birth_date, who.patient.birth_date)
    if all(births) and births[0] != births[1]:
        raise IdentityConflict("the embedded ECG and the message (PID-7) have different birth dates")


def _differing_sex(embedded: Patient | None, who: Person) -> tuple[str, ...]:
    if embedded is None or who.patient is None or None in (embedded.sex, who.patient.sex):
        return ()
    if embedded.sex is who.patient.sex:
        return ()
    return ("the embedded ECG and the message (PID-8) name different sexes; the message's is kept",)
