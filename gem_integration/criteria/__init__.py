"""From measurements, age and sex to statements: each a small function whose parts are evidence."""

from gem_integration.criteria.evaluate import STATEMENTS, evaluate

__all__ = ["STATEMENTS", "evaluate"]
