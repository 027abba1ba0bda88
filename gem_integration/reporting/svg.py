"""The few SVG elements the sheet is made of, with any text made safe."""

from __future__ import annotations

import re
import textwrap
from html import escape

FONT_FAMILY = "DejaVu Sans, Helvetica, Arial, sans-serif"
CHARACTER_WIDTH_EM = 0.56  # mean advance of a sans-serif face, generous enough never to overlap

# XML 1.0 section 2.2 allows these characters only; anything else becomes U+FFFD.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def number(value: float) -> str:
    """Return a coordinate with at most two decimals and no trailing zeros."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def safe_text(content: str) -> str:
    """Return ``content`` escaped for XML, without characters XML forbids."""
    return escape(_ILLEGAL.sub("\ufffd", content))


def text(x_mm: float, y_mm: float, content: str, *, size_mm: float = 3.0, extra: str = "") -> str:
    """Return one line of text with its baseline at ``y_mm``; ``extra`` are further attributes."""
    place = f'x="{number(x_mm)}" y="{number(y_mm)}" font-size="{number(size_mm)}"'
    return f"<text {place}{' ' + extra if extra else ''}>{safe_text(content)}</text>"


def rect(x_mm: float, y_mm: float, width_mm: float, height_mm: float, *, extra: str) -> str:
    """Return one rectangle."""
    place = f'x="{number(x_mm)}" y="{number(y_mm)}" width="{number(width_mm)}" height="{number(height_mm)}"'
    return f"<rect {place} {extra}/>"


def line(x1_mm: float, y1_mm: float, x2_mm: float, y2_mm: float, *, extra: str) -> str:
    """Return one straight line."""
    ends = f'x1="{number(x1_mm)}" y1="{number(y1_mm)}" x2="{number(x2_mm)}" y2="{number(y2_mm)}"'
    return f"<line {ends} {extra}/>"


def fitted(content: str, width_mm: float, size_mm: float) -> str:
    """Return ``content`` cut with an ellipsis to fit ``width_mm``."""
    room = characters_in(width_mm, size_mm)
    flat = " ".join(content.split())
    return flat if len(flat) <= room else flat[: room - 1].rstrip() + "…"


def wrapped(content: str, width_mm: float, size_mm: float) -> list[str]:
    """Return ``content`` in lines that fit ``width_mm``."""
    return textwrap.wrap(content, characters_in(width_mm, size_mm)) or [""]


def characters_in(width_mm: float, size_mm: float) -> int:
    """Return how many characters of a proportional face fit a width."""
    return max(2, int(width_mm / (size_mm * CHARACTER_WIDTH_EM)))
