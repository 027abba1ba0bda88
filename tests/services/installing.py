"""What the services need and the machine lacks: Debian packages, and Java programs from Maven Central."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.command import run

INSTALL_SECONDS_MAX = 600
CACHE = Path(__file__).resolve().parents[2] / ".cache"
#: Debian asks this program before a package starts its service; 101 means no (Debian Policy 9.3.3.1).
START_POLICY = Path("/usr/sbin/policy-rc.d")


def install(*packages: str) -> None:
    """Install Debian packages without starting what they bring; needs root."""
    with _alone("apt"), _no_system_services():
        run(["apt-get", "-qq", "update"], seconds=INSTALL_SECONDS_MAX)
        wanted = ["install", "-y", "--no-install-recommends", *packages]
        run(["apt-get", "-qq", *wanted], seconds=INSTALL_SECONDS_MAX)


def java_class_path(project: Path, name: str) -> str:
    """Return the class path of a Maven project, built once for each content of ``pom.xml`` and ``src``.

    Half a download is never used: the finished folder appears under its name in one step.
    """
    if shutil.which("mvn") is None or shutil.which("javac") is None:
        install("default-jdk-headless", "maven")
    sources = [project / "pom.xml", *sorted((project / "src").rglob("*.java"))]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    built = CACHE / f"{name}-{digest[:12]}"
    with _alone(name):
        if not built.is_dir():
            _build(project, built)
    return f"{built / 'classes'}:{built / 'jars'}/*"


def _build(project: Path, built: Path) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="building-") as temporary:
        copy = Path(temporary) / "project"
        shutil.copytree(project, copy, ignore=shutil.ignore_patterns("__pycache__"))
        jars = ["dependency:copy-dependencies", f"-DoutputDirectory={copy / 'target' / 'jars'}"]
        maven: list[str | Path] = ["mvn", "-q", "-B", "-Dstyle.color=never", "-f", copy / "pom.xml"]
        run([*maven, "compile", *jars], seconds=INSTALL_SECONDS_MAX)
        (copy / "target").rename(built)


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Let one process at a time install ``name``; the others wait and find it done."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _no_system_services() -> Iterator[None]:
    if START_POLICY.exists():
        yield
        return
    START_POLICY.write_text("#!/bin/sh\nexit 101\n")
    START_POLICY.chmod(0o755)
    try:
        yield
    finally:
        START_POLICY.unlink()
