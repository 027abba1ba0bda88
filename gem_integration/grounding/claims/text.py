"""An interpretation as statements of text: lines, headings, sentences, and a copy that is easy to match."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# One character for one character, so that every offset stays true.
_ALIKE = str.maketrans(
    {
        "−": "-",
        "–": "-",
        "—": ";",
        "‐": "-",
        "‑": "-",
        "′": "'",
        "’": "'",
        "‘": "'",
        "ʹ": "'",
        "`": "'",
        "´": "'",
        "\u00a0": " ",
        "\u202f": " ",
        "\u2009": " ",
        "\t": " ",
        "μ": "µ",
        "*": " ",
        "|": " ",
        "_": " ",
        "→": ",",
        "⇒": ",",
        "≅": "≈",
        "º": "°",
        "˚": "°",
        "⁄": "/",
        "“": '"',
        "”": '"',
    }
)
SENTENCE_MAX = 1500  # characters; real sentences hold a few hundred
_SENTENCE_END = re.compile(
    r"(?<!\bvs)(?<!\be\.g)(?<!\bi\.e)(?<!\bapprox)(?<!\bca)(?<!\bcf)(?<!\bno)(?<!\bmax)(?<!\bvent)"
    r"(?<!\bresp)(?<!\bincl)(?<!\besp)(?<!^\d)(?<!^\d\d)[.!?]+[\"')\]]*(?=\s|$)",
    re.IGNORECASE,
)
_BOLD_STEP = re.compile(r"^(\W*\*\*(?:step )?\d+[^*\n]{1,40}[^*\n:])\*\*", re.IGNORECASE | re.MULTILINE)
_PLURAL_LETTER = re.compile(r"\b([PQRST])s\b")  # "no Qs" is no QS
_HEADING = re.compile(r"\s*(?:#+\s|\*\*[^*\n]*\*\*:?\s*$|[^\n.]{1,60}:\s*$)")
_BULLET = re.compile(r"\s*(?:[-•*#>]+\s+|\(?\d{1,2}[.)]\s+|\(?[a-z]\)\s+)+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence (or list item): its span, the line it stands on, and whether it is a heading."""

    start: int
    end: int
    line_start: int
    heading: bool


def matchable(text: str) -> str:
    """Return ``text`` in lower case with look-alike characters unified; the length never changes."""
    text = _BOLD_STEP.sub(lambda bold: f"{bold[1]}: ", text)
    plain = _PLURAL_LETTER.sub(r"\1 ", text.translate(_ALIKE))
    lower = plain.lower()
    if len(lower) == len(plain):
        return lower
    return "".join(char.lower() if len(char.lower()) == 1 else char for char in plain)


def sentences(text: str) -> Iterator[Sentence]:
    """Yield the sentences of ``text`` in order; line ends always end a sentence.

    What runs on beyond ``SENTENCE_MAX`` characters is cut at a blank, so that the work stays linear.
    """
    offset = 0
    for line in text.split("\n"):
        bullet = _BULLET.match(line)
        start = bullet.end() if bullet else 0
        heading = _HEADING.fullmatch(line) is not None or line.lstrip().startswith("#")
        yield from _line_sentences(line, start, offset, heading=heading)
        offset += len(line) + 1


def _line_sentences(line: str, start: int, offset: int, *, heading: bool) -> Iterator[Sentence]:
    first = start
    ends = [*(mark.end() for mark in _SENTENCE_END.finditer(line, start)), len(line)]
    for end in ends:
        for begin, stop in _pieces(line, start, end):
            yield Sentence(
                start=offset + begin, end=offset + stop, line_start=offset + first, heading=heading
            )
        start = end


def _pieces(line: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > SENTENCE_MAX:
        blank = line.rfind(" ", start + 1, start + SENTENCE_MAX)
        stop = blank if blank > start else start + SENTENCE_MAX
        if line[start:stop].strip():
            yield start, stop
        start = stop
    if line[start:end].strip():
        yield start, end
