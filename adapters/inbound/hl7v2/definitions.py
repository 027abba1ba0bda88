"""Which channel definition (CHN) a waveform (WAV) belongs to (HL7 v2.5.1 section 7.14).

The sub-id ties the two. Where a sender leaves it out or counts with it, the code in OBX-3 or the lead it
names must; a waveform that could be anything's is nobody's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from adapters.inbound.hl7v2.categories import category, subject, suffix
from adapters.inbound.hl7v2.channels import CHANNELS_MAX, Channel, channels
from adapters.inbound.hl7v2.leads import observed_lead
from adapters.inbound.hl7v2.split import Segment
from gem_integration.domain.ecg import Lead
from gem_integration.errors import UnreadableMessage, UnsupportedRecording
from gem_integration.terminology.lead_names import NamedLead

#: What a definition is filed under: the sub-id (OBX-4) and the code of OBX-3 without its suffix.
Key: TypeAlias = tuple[str, str]


class _Mark(NamedTuple):
    """One way to look for a definition."""

    sub_id: str | None = None
    subject: str | None = None
    lead: Lead | None = None


def key_of(observation: Segment) -> Key:
    """Return what an observation's definition is filed under."""
    return observation.get(4), subject(observation)


def announced_leads(observations: Iterable[Segment], aliases: Mapping[str, str]) -> frozenset[Lead]:
    """Return every lead that some channel definition of a report names.

    Raises ``UnreadableMessage`` for more channels than the limit.
    """
    leads: list[Lead | None] = []
    for observation in observations:
        if category(observation) == "CHN":
            leads += [channel.lead for channel in channels(observation, aliases)]
            if len(leads) > CHANNELS_MAX:
                raise UnreadableMessage("the report defines more channels than the limit", limit=CHANNELS_MAX)
    return frozenset(lead for lead in leads if lead is not None)


@dataclass(slots=True, kw_only=True)
class Definitions:
    """The channel definitions seen so far in one report; a later one of the same key replaces it."""

    aliases: Mapping[str, str]
    announced: frozenset[Lead]
    _defined: dict[Key, list[Channel]] = field(default_factory=dict)
    _filed: dict[_Mark, dict[Key, None]] = field(default_factory=dict)
    _used: set[Key] = field(default_factory=set)
    _latest: Key | None = None  #: the definition just before, if no waveform came since

    def define(self, observation: Segment) -> None:
        """Take a CHN; several before the first waveform are the channels of one definition."""
        key = self._latest = key_of(observation)
        if key in self._used or key not in self._defined:
            self._defined[key] = []
            self._used.discard(key)
        found = channels(observation, self.aliases)
        self._defined[key] += found
        _check_distinct(self._defined[key])
        for mark in _marks(key, found):
            self._filed.setdefault(mark, {})[key] = None

    def of(self, observation: Segment) -> tuple[Key, list[Channel]] | None:
        """Return the definition of a WAV, ``None`` for a waveform that has to describe itself.

        Raises ``UnsupportedRecording`` when the report defines this lead or code, but not for this waveform.
        """
        named = observed_lead(observation, self.aliases)
        key = self._key(observation, named)
        self._latest = None
        if key is not None:
            self._used.add(key)
            return key, self._defined[key]
        same_code = _Mark(subject=subject(observation)) in self._filed
        if same_code if named is None else named.lead in self.announced:
            raise UnsupportedRecording(
                "a waveform shares no sub-id (OBX-4) with its channel definition", segment=observation.number
            )
        return None

    def _key(self, observation: Segment, named: NamedLead | None) -> Key | None:
        own = key_of(observation)
        if own in self._defined and self._fits(own, named):
            return own
        lead = named.lead if named else None
        if _Mark(sub_id=own[0]) in self._filed:
            near = self._near(_Mark(sub_id=own[0], lead=lead), named)
        else:
            near = self._near(_Mark(lead=lead) if lead else _Mark(subject=own[1]), named)
            near = self._just_before(near)
        certain = named is not None or suffix(observation) or all(key[1] == own[1] for key in near)
        return near[0] if len(near) == 1 and certain else None

    def _near(self, mark: _Mark, named: NamedLead | None) -> list[Key]:
        return [key for key in self._filed.get(mark, {}) if self._fits(key, named)]

    def _just_before(self, near: list[Key]) -> list[Key]:
        """Return only the definition just before where every other one has had its waveform."""
        fresh = [key for key in near if key not in self._used] if self._latest is not None else []
        return fresh if fresh == [self._latest] else near

    def _fits(self, key: Key, named: NamedLead | None) -> bool:
        return named is None or any(channel.lead is named.lead for channel in self._defined[key])


def _marks(key: Key, found: Iterable[Channel]) -> Iterator[_Mark]:
    """Yield everything by which a definition may be looked for."""
    sub_id, code = key
    yield from (_Mark(sub_id=sub_id), _Mark(subject=code))
    for channel in found:
        yield from (_Mark(sub_id=sub_id, lead=channel.lead), _Mark(lead=channel.lead))


def _check_distinct(definitions: list[Channel]) -> None:
    leads = [channel.lead for channel in definitions if channel.lead is not None]
    if len(set(leads)) != len(leads):
        raise UnsupportedRecording("one channel definition names a lead twice")
