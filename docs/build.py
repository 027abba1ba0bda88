"""Write the parts of the documents that come from the code: settings, tree, demo output, sheet."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gem_integration.settings import settings_page

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("gem_integration", "adapters", "workers", "migrations")
SHOWN_TITLE = "inferior ST elevation"


def tree() -> str:
    """Return the tree, one line a module, each with the first sentence of its docstring."""
    return "\n".join(line for package in PACKAGES for line in _folder(ROOT / package, depth=0))


def _folder(folder: Path, depth: int) -> Iterator[str]:
    indent = "    " * depth
    yield _line(f"{indent}{folder.name}/", folder / "__init__.py")
    for file in sorted(folder.glob("*.py")):
        if file.name != "__init__.py":
            yield _line(f"{indent}    {file.name}", file)
    for child in sorted(folder.iterdir()):
        if child.is_dir() and any(child.glob("*.py")):
            yield from _folder(child, depth + 1)


def _line(name: str, module: Path) -> str:
    if not module.exists():
        return name
    docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    sentence = " ".join(docstring.split("\n\n")[0].split())
    return f"{name:<42}{sentence}".rstrip()


def replaced(text: str, part: str, content: str) -> str:
    """Return ``text`` with what stands between the marks of ``part`` replaced by a block of ``content``."""
    marks = re.compile(rf"(<!-- {part}:begin -->\n).*?(<!-- {part}:end -->)", re.DOTALL)
    return marks.sub(lambda found: f"{found[1]}```text\n{content}\n```\n{found[2]}", text)


def demo_excerpt(folder: Path) -> str:
    """Run the demo in ``folder`` and return the section of one of its messages."""
    command = [str(Path(sys.executable).parent / "gem-integration"), "demo", "--out", "demo-out"]
    output = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout  # noqa: S603
    sections = re.split(r"(?m)^(?=\[\d+/\d+\])", output)
    return next(section for section in sections if SHOWN_TITLE in section.partition("\n")[0]).rstrip()


def main() -> None:
    """Write everything."""
    (ROOT / "docs" / "settings.md").write_text(settings_page(), encoding="utf-8")
    readme = ROOT / "README.md"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        excerpt = demo_excerpt(folder)
        report_id = re.search(r"reports/([0-9a-f-]{36})/", excerpt)
        assert report_id is not None  # noqa: S101 - the demo names its files
        sheet = folder / "demo-out" / "reports" / report_id[1] / "sheet-3x4.svg"
        images = ROOT / "docs" / "images"
        images.mkdir(exist_ok=True)
        (images / "sheet.svg").write_bytes(sheet.read_bytes())
    text = replaced(readme.read_text(encoding="utf-8"), "tree", tree())
    readme.write_text(replaced(text, "demo", excerpt), encoding="utf-8")


if __name__ == "__main__":
    main()
