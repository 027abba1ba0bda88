"""Parsers that fail as no parser should, for the tests of isolation; a child process finds them here."""

from __future__ import annotations

import os
import re

from adapters.inbound import FORMATS
from adapters.inbound.isolated import Parsed
from gem_integration.domain.study import MediaType, ParseLimits


def parse(content: bytes, limits: ParseLimits) -> Parsed:
    """Parse HL7 v2, unless the content names a way to fail."""
    if content == b"regex":
        re.fullmatch(r"(a+)+b", "a" * 40)
    if content == b"memory":
        bytearray(1 << 42)
    if content == b"die":
        os._exit(9)
    if content == b"defect":
        raise ZeroDivisionError("patient Doe")
    return FORMATS[MediaType.HL7V2](content, limits)
