"""What a reader's text claims, and what the waveform says about each claim."""

from gem_integration.grounding.claims import extract_claims

__all__ = ["extract_claims"]
