"""What a reader's text claims, and what the waveform says about each claim."""

from gem_integration.grounding.claims import extract_claims
from gem_integration.grounding.coverage import coverage
from gem_integration.grounding.ground import ground

__all__ = ["coverage", "extract_claims", "ground"]
