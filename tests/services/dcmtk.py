"""DCMTK's programs, for tests that talk with a DICOM peer that is not ours."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache

import pytest

from tests.services.installing import install


@cache
def _why_missing() -> str | None:
    if shutil.which("storescu"):
        return None
    try:
        install("dcmtk")
    except (OSError, subprocess.SubprocessError) as error:
        return f"DCMTK is not installed and apt-get did not bring it ({type(error).__name__})"
    return None if shutil.which("storescu") else "the package dcmtk holds no storescu"


def dcmtk(name: str) -> str:
    """Return the path of one of DCMTK's programs, installing them first; skip where they cannot be had."""
    reason = _why_missing()
    found = shutil.which(name)
    if reason or found is None:
        pytest.skip(reason or f"DCMTK has no {name} here")
    return found
