"""What every sink must do: being in ``SINKS`` enrols it here."""

import pytest

from adapters.outbound import SINKS

#: Where a sink of each name can be tried; a sink that needs a service says so with its own test.
LOCATIONS = {"files": str}


@pytest.fixture(params=sorted(set(SINKS) & set(LOCATIONS)))
def sink(request, tmp_path):
    """Return each sink that can be tried here."""
    return SINKS[request.param](LOCATIONS[request.param](tmp_path))


def test_every_sink_has_a_name_it_is_registered_under(sink):
    """Settings, outbox rows and the registry speak of the same thing."""
    assert sink.name in SINKS


def test_delivering_twice_is_delivering_once(sink, make_delivery):
    """Delivery is idempotent: the same receipt, the same content."""
    assert sink.deliver(make_delivery()) == sink.deliver(make_delivery())


def test_a_receipt_says_where_and_what(sink, make_delivery):
    """A delivery row can be checked later."""
    receipt = sink.deliver(make_delivery())
    assert receipt.location
    assert len(receipt.content_sha256) == 64


def test_a_receipt_holds_no_patient_data(sink, make_delivery):
    """Receipts are stored and logged."""
    delivery = make_delivery()
    receipt = sink.deliver(delivery)
    patient = delivery.study.ecg.patient
    for secret in (patient.patient_id, patient.family_name, patient.given_name):
        assert secret not in f"{receipt.location} {receipt.detail}"
