"""The services as fixtures, started once for the session by the first test that asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.services.fhir.server import FhirServer, running_fhir
from tests.services.rabbitmq import RabbitMq, running_rabbitmq

if TYPE_CHECKING:
    from tests.services.kafka.broker import Kafka


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[Kafka]:
    """Start a private Kafka; each test makes topics of its own."""
    from tests.services.kafka.broker import running_kafka  # noqa: PLC0415 - a slow import few tests need

    with running_kafka() as broker:
        yield broker


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMq]:
    """Start a private RabbitMQ; each test makes queues of its own."""
    with running_rabbitmq() as broker:
        yield broker


@pytest.fixture(scope="session")
def fhir_server() -> Iterator[FhirServer]:
    """Start a private FHIR server that refuses what R4 does not allow."""
    with running_fhir(strict=True) as server:
        yield server
