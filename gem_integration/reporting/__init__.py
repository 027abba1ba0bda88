"""From grounded observations to a report a person can read: its words, its text, its ECG sheet."""

from gem_integration.reporting.compose import compose
from gem_integration.reporting.text import report_text

__all__ = ["compose", "report_text"]
