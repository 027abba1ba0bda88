"""The line the tests of this folder walk."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gem_integration.ports import Delivery
from gem_integration.storage import Store
from tests.services.drawn_line import Line
from tests.services.stores import SetClock


@pytest.fixture
def line(store: Store, clock: SetClock, make_delivery: Callable[..., Delivery]) -> Line:
    """Return the line on each dialect in turn."""
    return Line(store, clock, make_delivery)
