"""Canned texts in the place of a reader, for tests and rehearsals; its identity says so."""

from __future__ import annotations

from collections.abc import Mapping

from gem_integration.domain.ecg import Recording
from gem_integration.domain.identity import ReaderIdentity, content_hash
from gem_integration.domain.reading import Interpretation, ReadRequest, StopReason
from gem_integration.errors import ReaderUnavailable

REPLAY_VERSION = "1"


class ReplayReader:
    """Returns the text stored for a recording's digest, else the default text.

    ``texts`` maps ``digest_of(recording)`` to a text; without a text for a recording and without a default,
    reading raises ``ReaderUnavailable``.
    """

    def __init__(self, texts: Mapping[str, str] | None = None, *, default: str | None = None) -> None:
        self._texts = dict(texts or {})
        self._default = default
        canned = "\x1f".join(f"{key}={text}" for key, text in sorted(self._texts.items()))
        self._identity = ReaderIdentity(
            name="replay (canned text, no ECG was read)",
            version=REPLAY_VERSION,
            weights_digest=None,
            prompt_digest=content_hash(f"{canned}|{default or ''}".encode()),
            code_version=REPLAY_VERSION,
        )

    @property
    def identity(self) -> ReaderIdentity:
        """Return an identity that names the canned texts by their digest."""
        return self._identity

    def read(self, request: ReadRequest) -> Interpretation:
        """Return the canned text of the recording; raises ``ReaderUnavailable`` where there is none."""
        text = self._texts.get(digest_of(request.recording), self._default)
        if text is None:
            raise ReaderUnavailable("no canned text for this recording: give one, or a default")
        return Interpretation(text=text, reader=self.identity, stop_reason=StopReason.END, seconds=0.0)


def digest_of(recording: Recording) -> str:
    """Return the SHA-256 of the signal by which canned texts are found."""
    return content_hash(recording.digest_bytes())
