"""The generic checks between a driver and an asset: always in the same order, outside of every driver."""

from sensors.quality.pipeline import Pipeline
from sensors.quality.rules import Checks, check_problems, rules_for

__all__ = ["Checks", "Pipeline", "check_problems", "rules_for"]
