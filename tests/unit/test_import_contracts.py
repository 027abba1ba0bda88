"""Each import contract holds, and each catches the import it forbids."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gem_integration", "adapters", "workers")

# contract id → a module, and the import planted in it
PLANTED = {
    "line": ("gem_integration/signal/quality.py", "import gem_integration.grounding.claims"),
    "core-rooms": ("gem_integration/reporting/sheet/__init__.py", "import gem_integration.storage.store"),
    "signal-alone": ("gem_integration/criteria/__init__.py", "import gem_integration.reporting.sheet"),
    "settings-at-the-door": ("gem_integration/pipeline/read.py", "import gem_integration.settings"),
    "domain-pure": ("gem_integration/domain/ecg.py", "import scipy"),
    "sql-in-storage": ("gem_integration/pipeline/receive.py", "import sqlalchemy"),
    "core-without-rims": ("gem_integration/simulate/__init__.py", "import pydicom"),
    "adapters-without-models": ("adapters/inbound/files.py", "import torch"),
    "workers-without-formats": ("workers/readers/rules.py", "import hl7apy"),
    "formats-pure": ("adapters/inbound/dicom_ecg/__init__.py", "import gem_integration.storage.store"),
    "formats-apart": ("adapters/inbound/aecg/__init__.py", "import adapters.inbound.dicom_ecg"),
    "fhir-in-one-place": ("adapters/outbound/files.py", "import fhir.resources"),
    "no-cycles": ("gem_integration/domain/identity.py", "import gem_integration.domain.study"),
}


def lint(folder: Path, contract: str) -> subprocess.CompletedProcess[str]:
    """Run one contract over the packages in ``folder``."""
    return subprocess.run(
        [sys.executable, "-c", LINT, contract],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


LINT = """
import sys
sys.path.insert(0, ".")
from importlinter.cli import lint_imports
sys.exit(lint_imports(config_filename="pyproject.toml", limit_to_contracts=(sys.argv[1],), no_cache=True))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the three packages with the project's contracts."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("contract", sorted(PLANTED))
def test_a_forbidden_import_is_caught(copy: Path, contract: str) -> None:
    """The contract passes as the code stands, and fails once the forbidden import is planted."""
    module, line = PLANTED[contract]
    assert lint(copy, contract).returncode == 0
    file = copy / module
    file.write_text(f"{file.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    planted = lint(copy, contract)
    assert planted.returncode == 1, planted.stdout
    assert "BROKEN" in planted.stdout


def test_every_contract_has_a_planted_import() -> None:
    """A contract nobody proves is not a contract."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    ids = {line.split('"')[1] for line in text.splitlines() if line.startswith("id = ")}
    assert ids == set(PLANTED)
