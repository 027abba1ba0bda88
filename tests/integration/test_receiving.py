"""Receiving has one effect however often, in whatever order and form a message comes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gem_integration.domain.ecg import Recording
from gem_integration.domain.identity import Patient
from gem_integration.domain.reading import Priority
from gem_integration.domain.report import Stage
from gem_integration.domain.study import InboundOrder, OrderMatch
from gem_integration.errors import IdentityConflict, StorageUnavailable, UnreadableMessage
from gem_integration.pipeline.receive import ReceivedAs, receive, reject

READER = "rules|1|-|-|0"


def receive_order(line, message_id="ORD1", **changes):
    """Receive one order for the drawn patient."""
    order = InboundOrder(
        **{
            "message_id": message_id,
            "control": "NW",
            "patient": line.ecg().patient,
            "placer_number": "PLC-9",
            "accession_number": "ACC-1",
            **changes,
        }
    )
    message = line.message(f"ORM|{message_id}".encode())
    return receive(message, order, store=line.store, reader_key=READER, clock=line.clock)


def test_the_same_message_twice_has_one_effect_and_one_set_of_ids(line):
    """The second time answers with what the first time made."""
    first, second = line.receive(), line.receive()
    assert (first.outcome, second.outcome) == (ReceivedAs.NEW, ReceivedAs.DUPLICATE)
    assert (first.message_row_id, first.study_id, first.job_id) == (
        second.message_row_id,
        second.study_id,
        second.job_id,
    )
    counts = line.store.counts()
    assert (counts["messages"], counts["studies"], counts["jobs_queued"]) == (1, 1, 1)


def test_one_id_with_other_bytes_is_a_conflict_and_changes_nothing(line):
    """A reused message id is refused; what was stored under it stays."""
    line.receive()
    with pytest.raises(IdentityConflict, match="other bytes"):
        receive(
            line.message(b"MSH|edited"), line.ecg(), store=line.store, reader_key=READER, clock=line.clock
        )
    assert line.store.counts()["messages"] == 1


def test_one_ecg_in_two_messages_is_one_study_read_once(line):
    """A re-export, or the same signal in another format, is linked to the study it is."""
    first = line.receive()
    again = receive(
        line.message(b"DICM", source="archive"),
        line.ecg(message_id="1.2.3", sop_instance_uid="1.2.3"),
        store=line.store,
        reader_key=line.store.jobs_waiting()[0].reader_key,
        clock=line.clock,
    )
    assert (again.outcome, again.study_id, again.job_id) == (
        ReceivedAs.LINKED,
        first.study_id,
        first.job_id,
    )
    counts = line.store.counts()
    assert (counts["messages"], counts["studies"], counts["jobs_queued"]) == (2, 1, 1)


def test_one_ecg_with_eight_leads_and_with_twelve_is_one_study(line):
    """Leads that follow from I and II, and the order of leads, make no other signal."""
    whole = line.ecg().recording
    eight = [lead for lead in reversed(whole.leads) if lead not in {"III", "aVR", "aVL", "aVF"}]
    samples = [whole.lead_mv(lead) for lead in eight]
    line.receive(1)
    message = line.message(b"DICM")
    short = line.ecg(1, message_id="8", recording=Recording.of(samples, eight, whole.sampling_rate_hz))
    again = receive(message, short, store=line.store, reader_key=READER, clock=line.clock)
    assert again.outcome is ReceivedAs.LINKED


def test_several_ecgs_in_one_message_are_as_many_studies(line):
    """A message with two ECGs is received once for each; repeating it changes nothing."""
    message = line.message(b"MSH|two")
    parts = [line.ecg(1, message_id="M"), line.ecg(2, message_id="M")]
    outcomes = [
        receive(message, part, store=line.store, reader_key=READER, clock=line.clock).outcome
        for part in (*parts, *parts)
    ]
    assert outcomes == [ReceivedAs.NEW, ReceivedAs.NEW, ReceivedAs.DUPLICATE, ReceivedAs.DUPLICATE]
    assert line.store.counts()["messages"] == 1


@pytest.mark.parametrize(
    "other",
    [Patient(patient_id="P-1"), Patient(patient_id="P-4711", assigner="ELSEWHERE")],
    ids=["other id", "other assigner"],
)
def test_one_signal_under_two_patients_is_a_conflict(line, other):
    """Nobody decides by machine whose ECG it is."""
    line.receive()
    with pytest.raises(IdentityConflict, match="another patient"):
        receive(
            line.message(b"MSH|x"),
            line.ecg(message_id="X", patient=other),
            store=line.store,
            reader_key=READER,
            clock=line.clock,
        )
    assert line.store.counts()["messages"] == 1


def test_one_sop_instance_uid_with_two_signals_is_a_conflict(line):
    """A UID names one object for ever (DICOM PS3.5 section 9)."""
    line.receive(1, sop_instance_uid="1.2.840.1")
    with pytest.raises(IdentityConflict, match="another signal"):
        line.receive(2, sop_instance_uid="1.2.840.1")


def test_two_flat_recordings_are_two_studies(line):
    """A recording without any signal identifies nobody."""
    flat = Recording.of(np.zeros((12, 5000)), line.ecg().recording.leads, 500)
    first = line.receive(1, recording=flat)
    second = line.receive(2, recording=flat, patient=Patient(patient_id="P-2"))
    assert first.study_id != second.study_id


@pytest.mark.parametrize("message_id", ["", "9" * 256])
def test_a_message_id_that_is_none_is_refused(line, message_id):
    """An empty or endless id cannot name a message."""
    with pytest.raises(UnreadableMessage, match="message id"):
        line.receive(1, message_id=message_id)


@pytest.mark.parametrize("order_first", [True, False])
def test_an_order_is_matched_before_or_after_its_ecg(line, order_first):
    """The order of arrival does not matter."""
    if order_first:
        order, ecg = receive_order(line), line.receive()
        assert ecg.order_match is OrderMatch.MATCHED
    else:
        ecg, order = line.receive(), receive_order(line)
        assert ecg.order_match is OrderMatch.WAITING
    assert line.store.study(ecg.study_id).order_id == order.order_id
    assert line.store.worklist()[0].order_match is OrderMatch.MATCHED
    assert line.store.order(order.order_id).inbound.placer_number == "PLC-9"


def test_a_second_message_about_an_ecg_may_name_its_order(line):
    """The DICOM object omits the number, the HL7 message of the same ECG brings it."""
    order = receive_order(line)
    first = line.receive(1, accession_number=None)
    assert (first.order_match, first.order_id) == (OrderMatch.UNNUMBERED, None)
    again = receive(
        line.message(b"MSH|named"),
        line.ecg(1, message_id="M2"),
        store=line.store,
        reader_key=READER,
        clock=line.clock,
    )
    assert (again.outcome, again.order_id) == (ReceivedAs.LINKED, order.order_id)
    assert line.store.study(first.study_id).order_id == order.order_id


def test_a_commit_whose_outcome_is_unknown_is_found_out_by_sending_again(line, monkeypatch):
    """The connection is cut after the commit: the sender repeats, and nothing happens twice."""
    dialect = line.store._engine.dialect
    commit = dialect.do_commit

    def cut_after_commit(connection):
        commit(connection)
        raise dialect.loaded_dbapi.OperationalError

    with monkeypatch.context() as patched:
        patched.setattr(dialect, "do_commit", cut_after_commit)
        with pytest.raises(StorageUnavailable):
            line.receive()
    assert line.receive().outcome is ReceivedAs.DUPLICATE
    assert line.store.counts()["studies"] == 1


def test_two_orders_that_fit_are_left_to_a_person(line):
    """Two orders with the ECG's accession number: neither is taken."""
    receive_order(line, "ORD1", placer_number="PLC-1")
    receive_order(line, "ORD2", placer_number="PLC-2")
    ecg = line.receive()
    assert (ecg.order_match, ecg.order_id) == (OrderMatch.AMBIGUOUS, None)


def test_an_order_of_another_patient_is_not_taken(line):
    """An accession number on the wrong patient is shown, not followed."""
    receive_order(line, patient=Patient(patient_id="P-9"))
    assert line.receive().order_match is OrderMatch.OTHER_PATIENT


def test_an_order_changed_or_sent_twice_is_one_order(line):
    """A status change of the same order is no second order; the latest message decides."""
    receive_order(line, "ORD1")
    line.clock.advance(1)
    assert receive_order(line, "ORD1").outcome is ReceivedAs.DUPLICATE
    line.clock.advance(1)
    latest = receive_order(line, "ORD2", control="SC")
    assert line.receive().order_id == latest.order_id


def test_a_cancelled_order_is_not_taken(line):
    """An ECG under a cancelled order is shown so."""
    receive_order(line, "ORD1")
    line.clock.advance(1)
    receive_order(line, "ORD2", control="CA")
    assert line.receive().order_match is OrderMatch.CANCELLED


def test_a_stat_order_puts_its_ecg_into_the_stat_lane(line):
    """Priority comes from the ECG or from its order."""
    receive_order(line, priority="S")
    line.receive()
    assert line.lease().priority is Priority.STAT


def test_a_rejected_message_keeps_its_bytes_and_its_reason_and_is_counted(line):
    """The same failure of the same bytes is one dead letter seen twice."""
    message = line.message(b"not HL7")
    error = UnreadableMessage("the message has no MSH segment")
    first = reject(message, error, store=line.store, clock=line.clock)
    line.clock.advance(60)
    second = reject(message, error, store=line.store, clock=line.clock)
    assert (first.count, second.count, second.stage) == (1, 2, Stage.RECEIVE)
    assert second.last_seen_at > second.first_seen_at
    assert line.store.dead_letters() == (second,)
    assert line.store.blob(second.blob_sha256) == b"not HL7"


def test_a_defect_in_a_dead_letter_repeats_nothing_of_the_message(line):
    """The text of an unexpected error may hold patient data; only its type is kept."""
    letter = reject(line.message(), KeyError("O'Neil^Zoë"), store=line.store, clock=line.clock)
    assert (letter.code, "Neil" in letter.reason, "KeyError" in letter.reason) == ("defect", False, True)


def test_an_ecg_without_a_patient_is_never_put_under_an_order(line):
    """Numbers alone do not make a match."""
    receive_order(line)
    received = line.receive(1, patient=None)
    assert received.order_match is OrderMatch.OTHER_PATIENT
    assert replace(received, order_id=None) == received
