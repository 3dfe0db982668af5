"""Alarms of the node: rules over the readings, judged in the commit that holds them; they need no link."""

from gateway.alarms.engine import Engine, Judgement
from gateway.alarms.rules import Condition, Rule

__all__ = ["Condition", "Engine", "Judgement", "Rule"]
