"""What failed work says about itself, and the steps that record it."""

from __future__ import annotations

from gem_integration.domain.reading import LeasedJob
from gem_integration.domain.report import LeasedDelivery
from gem_integration.errors import Decision, GemIntegrationError, fate_of
from gem_integration.storage import Store

DEFECT = "defect"


def cause_of(error: BaseException) -> tuple[str, str]:
    """Return the code and reason of an error.

    A defect is named only by its type: its message may hold anything, patient data too.
    """
    if isinstance(error, GemIntegrationError):
        return error.code, error.reason
    return DEFECT, f"a defect of this program ({type(error).__name__}): see its log"


def read_failed(job: LeasedJob, error: BaseException, *, store: Store) -> Decision:
    """Record that reading failed; the loop that caught ``error`` acts on the decision."""
    decision = fate_of(error, job.attempts)
    store.fail(job, decision, reason=cause_of(error)[1])
    return decision


def delivery_failed(delivery: LeasedDelivery, error: BaseException, *, store: Store) -> Decision:
    """Record that delivering failed; the loop that caught ``error`` acts on the decision."""
    decision = fate_of(error, delivery.attempts)
    store.delivery_failed(delivery, decision, reason=cause_of(error)[1])
    return decision
