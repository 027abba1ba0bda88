"""Which channel definition (CHN) a waveform (WAV) belongs to (HL7 v2.5.1 section 7.14).

The sub-id ties the two. Where a sender leaves it out or counts with it, the code in OBX-3 or the lead it
names must; a waveform that could be anything's is nobody's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from adapters.inbound.hl7v2_categories import category, subject, suffix
from adapters.inbound.hl7v2_channels import Channel, channels
from adapters.inbound.hl7v2_leads import observed_lead
from adapters.inbound.hl7v2_split import Segment
from gem_integration.domain.ecg import Lead
from gem_integration.errors import UnreadableMessage, UnsupportedRecording
from gem_integration.terminology.lead_names import NamedLead

CHANNELS_MAX = 1024  #: channels that one report may define

#: What a definition is filed under: the sub-id (OBX-4) and the code of OBX-3 without its suffix.
Key: TypeAlias = tuple[str, str]


def key_of(observation: Segment) -> Key:
    """Return what an observation's definition is filed under."""
    return observation.get(4), subject(observation)


def announced_leads(observations: Iterable[Segment], aliases: Mapping[str, str]) -> frozenset[Lead]:
    """Return every lead that some channel definition of a report names."""
    return frozenset(
        channel.lead
        for observation in observations
        if category(observation) == "CHN"
        for channel in channels(observation, aliases)
        if channel.lead is not None
    )


@dataclass(slots=True, kw_only=True)
class Definitions:
    """The channel definitions seen so far in one report; a later one of the same key replaces it."""

    aliases: Mapping[str, str]
    announced: frozenset[Lead]
    _defined: dict[Key, list[Channel]] = field(default_factory=dict)
    _used: set[Key] = field(default_factory=set)
    _latest: Key | None = None  #: the definition just before, if no waveform came since
    _count: int = 0

    def define(self, observation: Segment) -> None:
        """Take a CHN; several before the first waveform are the channels of one definition."""
        key = key_of(observation)
        if key in self._used or key not in self._defined:
            self._defined[key] = []
            self._used.discard(key)
        found = channels(observation, self.aliases)
        self._count += len(found)
        if self._count > CHANNELS_MAX:
            raise UnreadableMessage("the report defines more channels than the limit", limit=CHANNELS_MAX)
        self._latest = key
        self._defined[key] += found
        _check_distinct(self._defined[key])

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
        defined = any(subject(observation) == key[1] for key in self._defined)
        if defined if named is None else named.lead in self.announced:
            raise UnsupportedRecording(
                "a waveform shares no sub-id (OBX-4) with its channel definition", segment=observation.number
            )
        return None

    def _key(self, observation: Segment, named: NamedLead | None) -> Key | None:
        own = key_of(observation)
        fitting = [key for key in self._defined if named is None or self._defines(key, named)]
        if own in fitting:
            return own
        near = [key for key in fitting if key[0] == own[0]]
        if not near and not any(key[0] == own[0] for key in self._defined):
            near = [key for key in fitting if named is not None or key[1] == own[1]]
            fresh = [key for key in near if key not in self._used]
            near = fresh if fresh == [self._latest] else near
        certain = named is not None or suffix(observation) or all(key[1] == own[1] for key in near)
        return near[0] if len(near) == 1 and certain else None

    def _defines(self, key: Key, named: NamedLead) -> bool:
        return any(channel.lead is named.lead for channel in self._defined[key])


def _check_distinct(definitions: list[Channel]) -> None:
    leads = [channel.lead for channel in definitions if channel.lead is not None]
    if len(set(leads)) != len(leads):
        raise UnsupportedRecording("one channel definition names a lead twice")
