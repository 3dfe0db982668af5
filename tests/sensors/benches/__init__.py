"""Because each of our drivers goes through the suite that we ask of others: a bench each."""

from tests.sensors.benches.buses import (
    ChlorineBench,
    ChlorineControllerBench,
    ModbusBench,
    ProbeBench,
    PzemBench,
    SdmBench,
)
from tests.sensors.benches.converters import AdsBench, McpBench
from tests.sensors.benches.files import LuxBench, PiBench, ThermometerBench
from tests.sensors.benches.lines import ContactBench, PulseBench, RelayBench, ScaleBench
from tests.sensors.benches.rangers import RangerBench, SealedRangerBench, SerialRangerBench

BENCHES = (
    AdsBench,
    ChlorineBench,
    ChlorineControllerBench,
    ContactBench,
    LuxBench,
    McpBench,
    PiBench,
    ProbeBench,
    PulseBench,
    PzemBench,
    RangerBench,
    RelayBench,
    ScaleBench,
    SdmBench,
    SealedRangerBench,
    SerialRangerBench,
    ThermometerBench,
)

__all__ = [
    "BENCHES",
    "AdsBench",
    "ModbusBench",
    "ProbeBench",
    "RangerBench",
    "ScaleBench",
    "SerialRangerBench",
    "ThermometerBench",
]
