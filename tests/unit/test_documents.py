"""Documents that speak of the code cannot fall behind it."""

import importlib.util
from pathlib import Path
from types import ModuleType

from gem_integration.cli import COMMANDS
from gem_integration.errors import GemIntegrationError

ROOT = Path(__file__).resolve().parents[2]


def build() -> ModuleType:
    """Load docs/build.py."""
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readme_carries_the_tree_one_line_a_module() -> None:
    """A new module appears in the README (`make docs`)."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert build().tree() in readme


def test_every_module_says_what_it_is() -> None:
    """No line of the tree is a bare file name."""
    bare = [line for line in build().tree().splitlines() if line.rstrip().endswith(".py")]
    assert not bare


def test_the_readme_names_every_command() -> None:
    """A command nobody can find does not exist."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.split("## Commands")[1].split("## The tree")[0]
    assert not [name for name in COMMANDS if name not in table]


def test_the_error_page_lists_every_code() -> None:
    """What an operator finds in a dead letter is explained."""
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    pending = [GemIntegrationError]
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        if kind is not GemIntegrationError:
            assert f"`{kind.code}`" in page
