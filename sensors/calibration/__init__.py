"""Calibration with a history: dated, appended, never overwritten, and able to make old values anew."""

from sensors.calibration.history import Calibrations
from sensors.calibration.record import Calibration, Record

__all__ = ["Calibration", "Calibrations", "Record"]
