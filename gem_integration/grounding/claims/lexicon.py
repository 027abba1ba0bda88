"""The words of ECG prose: ``lexicon.csv`` (phrases) and ``features.csv`` (what a word says of a wave)."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

# Which sort wins where two match the same words.
_PRECEDENCE = ("subject", "neg", "hedge", "deny", "state", "entity", "feature", "")
_WORD_START = re.compile(r"(?<![a-z0-9'])[a-z0-9]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """A stretch of text that the lexicon knows; ``ids`` are all meanings of the longest match."""

    sort: str
    ids: tuple[str, ...]
    start: int
    end: int


def table(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of ``name`` (a CSV beside this module) as dictionaries."""
    text = files("gem_integration.grounding").joinpath(name).read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


@cache
def _pattern(phrase: str) -> re.Pattern[str]:
    """Turn a lexicon phrase into a regular expression: a blank stands for blanks or a hyphen.

    Compiled when a text first needs it: a text begins with few of the lexicon's letters.
    """
    words = re.sub(r" \?| ", lambda blank: r"[ \-]?" if blank[0] == " ?" else r"[ \-]{1,3}", phrase)
    return re.compile(words + r"(?![a-z0-9])")


@cache
def _phrases() -> dict[str, tuple[tuple[str, str, str], ...]]:
    """Return (sort, id, phrase) by the one or two letters a phrase can begin with."""
    by_start: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for row in table("lexicon.csv"):
        for phrase in map(str.strip, row["phrases"].split(" | ")):
            for start in _starts(phrase):
                by_start[start].append((row["sort"], row["id"], phrase))
    return {start: tuple(entries) for start, entries in by_start.items()}


def _starts(phrase: str) -> set[str]:
    """Return the first letters a phrase may begin with, looking through leading optional groups."""
    starts: set[str] = set()
    while phrase.startswith("("):
        end = _closing(phrase)
        starts |= {_start(option.lstrip("( ?")) for option in phrase[1:end].split("|")}
        tail = phrase[end + 1 :]
        if not tail.startswith(("?", "*")):
            return starts - {""}
        phrase = tail[1:].lstrip("? ")
    return (starts | {_start(phrase)}) - {""}


def _start(words: str) -> str:
    """Return two letters where both are certain, else one."""
    literal = re.match(r"[a-z0-9]{2}(?![?*])|[a-z0-9]", words)
    return literal[0] if literal else ""


def _closing(phrase: str) -> int:
    """Return where the group that opens ``phrase`` closes."""
    depth = 0
    for place, char in enumerate(phrase):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return place
    raise ValueError(f"a lexicon phrase has an open bracket: {phrase}")


def phrases(lower: str) -> list[Phrase]:
    """Return the longest known phrases of ``lower`` from left to right, never overlapping."""
    found: list[Phrase] = []
    position = 0
    while start := _WORD_START.search(lower, position):
        match = _longest(lower, start.start())
        if match is None:
            position = start.end()
            continue
        found.append(match)
        position = match.end
    return found


def _longest(lower: str, start: int) -> Phrase | None:
    best_end, best_sort = start, ""
    ids: list[str] = []
    known = _phrases()
    candidates = known.get(lower[start : start + 2], ()) + known.get(lower[start], ())
    for sort, identifier, phrase in candidates:
        match = _pattern(phrase).match(lower, start)
        if match is None or match.end() < best_end:
            continue
        if sort == best_sort and match.end() == best_end:
            ids.append(identifier)
        elif match.end() > best_end or _PRECEDENCE.index(sort) < _PRECEDENCE.index(best_sort):
            best_end, best_sort, ids = match.end(), sort, [identifier]
    return Phrase(sort=best_sort, ids=tuple(dict.fromkeys(ids)), start=start, end=best_end) if ids else None


@cache
def features() -> dict[tuple[str, str], tuple[str, str]]:
    """Return (subject with its kind, polarity) of every (entity, feature) pair that says something."""
    return {
        (row["entity"], row["feature"]): (row["subject"], row["polarity"]) for row in table("features.csv")
    }


@cache
def cue_pattern(sort: str) -> re.Pattern[str]:
    """Return the words of ``cues.csv`` that mark ``general`` knowledge or an ``other`` claim."""
    words = (row["pattern"] for row in table("cues.csv") if row["sort"] == sort)
    return re.compile(rf"\b(?:{'|'.join(words)})\b")
