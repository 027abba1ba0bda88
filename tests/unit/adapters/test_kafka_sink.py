"""The report event says which report and how urgent, and nothing of whom or what."""

from __future__ import annotations

import json

import pytest
from kafka.record import util

from adapters.outbound import SINKS
from adapters.outbound.kafka import KafkaSink, report_event
from tests.unit.adapters.test_kafka_work import ListedAppender


def test_the_event_names_the_report_and_no_patient(make_delivery):
    """Receivers fetch the report where it belongs."""
    delivery = make_delivery()
    event = report_event(delivery)
    assert (event["report_id"], event["status"]) == (str(delivery.report.report_id), "preliminary")
    assert event["reader"] == delivery.report.reader.key
    patient = delivery.study.ecg.patient
    for secret in (patient.patient_id, patient.family_name, patient.given_name):
        assert secret not in json.dumps(event)


def test_delivering_twice_appends_the_same_event_under_the_study(make_delivery):
    """Versions of one study stay in order; a repeat is known by its id."""
    appender, delivery = ListedAppender(), make_delivery()
    sink = KafkaSink(appender, "reports")
    first, second = sink.deliver(delivery), sink.deliver(delivery)
    assert first.content_sha256 == second.content_sha256
    assert appender.appended[0] == appender.appended[1]
    assert appender.appended[0][1] == str(delivery.report.study_id).encode()


def test_the_sink_is_registered_and_opens_nothing_before_it_is_used():
    """Making a sink needs no broker."""
    sink = SINKS["kafka"]("kafka://broker-1:9092,broker-2:9092/ecg.reports")
    assert sink.name == "kafka"
    with pytest.raises(ValueError, match="location"):
        SINKS["kafka"]("ecg.reports")


def test_checksums_of_records_are_not_computed_in_python():
    """Without the package crc32c, kafka-python takes seventy times as long over an ECG, and is silent."""
    assert util.crc32c_c is not None
