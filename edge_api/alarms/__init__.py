"""The alarm book: which alarms are open, which have been, and who has said that they saw them."""

from edge_api.alarms.alarm import Alarm, alarm_key
from edge_api.alarms.book import AlarmBook, AlarmUnknown

__all__ = ["Alarm", "AlarmBook", "AlarmUnknown", "alarm_key"]
