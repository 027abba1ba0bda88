"""An ECG is put under an order only when exactly one fits."""

import numpy as np
import pytest

from gem_integration.domain.ecg import Acquisition, Lead, Recording
from gem_integration.domain.identity import Patient, stable_id
from gem_integration.domain.reading import Priority
from gem_integration.domain.study import InboundEcg, InboundOrder, Order, OrderMatch
from gem_integration.pipeline.orders import match_order, priority_of, same_patient

ANN = Patient(patient_id="1", assigner="A")
RECORDING = Recording.of(np.ones((1, 100)), [Lead.II], 500)


def ecg(**changes):
    """Return an ECG of Ann."""
    fields = {"message_id": "M", "recording": RECORDING, "acquisition": Acquisition(), "patient": ANN}
    return InboundEcg(**{**fields, **changes})


def order(number, **changes):
    """Return an order of Ann."""
    fields = {"message_id": number, "control": "NW", "patient": ANN, "placer_number": number}
    return Order(order_id=stable_id(number), inbound=InboundOrder(**{**fields, **changes}))


@pytest.mark.parametrize(
    ("named", "candidates", "outcome"),
    [
        ({}, [order("P1")], OrderMatch.UNNUMBERED),
        ({"placer_number": "P1"}, [], OrderMatch.WAITING),
        ({"placer_number": "P1"}, [order("P1")], OrderMatch.MATCHED),
        ({"accession_number": "A"}, [order("P1"), order("P2")], OrderMatch.AMBIGUOUS),
        ({"placer_number": "P1", "patient": None}, [order("P1")], OrderMatch.OTHER_PATIENT),
        ({"placer_number": "P1"}, [order("P1", patient=None)], OrderMatch.OTHER_PATIENT),
        ({"placer_number": "P1"}, [order("P1", control="ca")], OrderMatch.CANCELLED),
        ({"placer_number": "P1"}, [order("P1"), order("P1", control="DC")], OrderMatch.CANCELLED),
    ],
)
def test_the_outcome_says_what_came_of_matching(named, candidates, outcome):
    """Each case has its word, and only a match names an order."""
    found, chosen = match_order(ecg(**named), candidates)
    assert found is outcome
    assert (chosen is not None) == (outcome is OrderMatch.MATCHED)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (Patient(patient_id="1", assigner="A"), True),
        (Patient(patient_id="1"), True),
        (Patient(patient_id="1", assigner="B"), False),
        (Patient(patient_id="2", assigner="A"), False),
        (None, False),
    ],
)
def test_two_patients_are_one_when_their_identifiers_are(other, same):
    """Names do not count; an assigner left out may be any, another assigner is another person."""
    assert same_patient(ANN, other) is same
    assert same_patient(other, ANN) is same


@pytest.mark.parametrize(
    ("stat", "ordered", "lane"),
    [
        (True, None, Priority.STAT),
        (False, order("P1", priority=" s "), Priority.STAT),
        (False, order("P1", priority="R"), Priority.ROUTINE),
        (False, order("P1"), Priority.ROUTINE),
        (False, None, Priority.ROUTINE),
    ],
)
def test_stat_comes_from_the_ecg_or_its_order(stat, ordered, lane):
    """One of them is enough."""
    assert priority_of(ecg(stat=stat), ordered) is lane
