"""docker-compose.yml keeps its promises: fixed versions, health checks, given secrets, no open ports."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

CHECKOUT = Path(__file__).resolve().parents[2]
TEXT = (CHECKOUT / "docker-compose.yml").read_text()
COMPOSE = YAML(typ="safe").load(TEXT)
SERVICES = COMPOSE["services"]
LASTING = [name for name, service in SERVICES.items() if service.get("restart") != "no"]
#: Images without a shell or any other program to ask with.
MUTE = {"fhir"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_has_a_fixed_version(name: str) -> None:
    """A tag that names a version down to its last number; never ``latest``, never a series."""
    assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+(\.\d+)?(-\d+)?", SERVICES[name]["image"])


@pytest.mark.parametrize("name", LASTING)
def test_every_lasting_service_is_asked_after_its_health(name: str) -> None:
    """Others wait for the answer; only an image that holds no program to ask with is left out."""
    assert ("healthcheck" in SERVICES[name]) != (name in MUTE)


def test_every_secret_must_be_given() -> None:
    """A variable has no default: without it nothing starts, and the message says what to choose."""
    variables = re.findall(r"\$\{([A-Z_]+)(.*?)\}", TEXT)
    assert variables
    assert all(rest.startswith(":?") for _, rest in variables)
    secrets = re.findall(r"(?i)passw[a-z]*: (\S+)|_PASS: (\S+)", TEXT)
    assert all(value.startswith("${") for pair in secrets for value in pair if value)


def test_nothing_is_published_and_ours_run_with_few_rights() -> None:
    """Ports are the site's decision; our processes write no files and hold no capabilities."""
    assert not any("ports" in service for service in SERVICES.values())
    ours = [service for service in SERVICES.values() if service["image"].startswith("gem-integration")]
    assert ours
    assert all(service["read_only"] and service["cap_drop"] == ["ALL"] for service in ours)


def test_the_tests_and_the_deployment_run_the_same_kafka_and_fhir_server() -> None:
    """What was tested is what is deployed."""
    for service, project in (("kafka", "kafka"), ("fhir", "fhir")):
        pom = (CHECKOUT / "tests" / "services" / project / "pom.xml").read_text()
        version = re.search(r"<version>([\d.]+)</version>", pom)
        assert version is not None
        assert version[1] in SERVICES[service]["image"]
