"""The rules that each type of asset has without a word of configuration."""

from gateway.alarms.rules import QUALITY, Condition, Rule

FAULT_READINGS = 3  # one lost answer is weather, three are a fault

_FAULT = Rule("sensorFault", (Condition(QUALITY, equals="bad"),), readings=FAULT_READINGS)
# a heap up to the ranger is too near for it: the level is uncertain then, and nothing else makes it so high
_HEAP = ("range",)
# a bag more moves the point that the ranger sees by 5 cm and more either way, and a bin only ever gets fuller
# until it is emptied: a little less is the heap's form, and much less for one reading is an open lid
_EMPTIED = 0.3
BIN_READINGS, BIN_END_READINGS = 3, 2
_MINUTE, _HOUR = 60.0, 3600.0

DEFAULTS: dict[str, tuple[Rule, ...]] = {
    "WasteContainer": (
        Rule(
            "binFull",
            (Condition("fillingLevel", at_least=0.9, hysteresis=_EMPTIED, uncertain=_HEAP),),
            delay_s=10 * _MINUTE,
            readings=BIN_READINGS,
            end_readings=BIN_END_READINGS,
        ),
        Rule(
            "binOverflow",
            (Condition("fillingLevel", at_least=1.0, hysteresis=_EMPTIED, uncertain=_HEAP),),
            "critical",
            delay_s=10 * _MINUTE,
            readings=BIN_READINGS,
            end_readings=BIN_END_READINGS,
        ),
        Rule(
            "fire",
            (
                Condition("status", equals="burning", uncertain=True),
                # an uncertain one is in `status` already, where one look at a spike is no fire
                Condition("temperature", above=60.0, rises=5.0, hysteresis=5.0),
            ),
            "critical",
        ),
        Rule("lidOpen", (Condition("status", equals="lidOpen"),), "info", delay_s=30 * _MINUTE),
        Rule("moved", (Condition("status", equals="moved"),), delay_s=10 * _MINUTE),
        _FAULT,
    ),
    "WaterQualityObserved": (_FAULT,),
    "WaterDistributionNetwork": (
        Rule("leak", (Condition("leakFlow", above=0.0, uncertain=True),)),
        _FAULT,
    ),
    "WaterConsumptionObserved": (_FAULT,),
    "Streetlight": (
        Rule("lampFailed", (Condition("status", equals="defectiveLamp"),), delay_s=10 * _MINUTE),
        Rule("dayBurner", (Condition("status", equals="dayBurner"),), "info", delay_s=30 * _MINUTE),
        _FAULT,
    ),
    "StreetlightControlCabinet": (
        Rule(
            "dayBurner",
            (Condition("powerState", equals="on"),),
            delay_s=30 * _MINUTE,
            when=Condition("illuminance", above=500.0, hysteresis=200.0),
        ),
        Rule(
            "lampFailed",
            (Condition("powerState", equals="off"),),
            delay_s=45 * _MINUTE,
            when=Condition("illuminance", below=3.0, hysteresis=5.0),
        ),
        Rule("lampFailed", (Condition("lampsFailed", at_least=1.0),), delay_s=30 * _MINUTE),
        Rule("lampFailed", (Condition("status", equals="tripped"),), delay_s=5 * _MINUTE),
        Rule("doorOpen", (Condition("doorOpen", equals=True),), delay_s=5 * _MINUTE),
        _FAULT,
    ),
    "Device": (
        Rule("disk", (Condition("diskFree", below=1.0, hysteresis=0.5),), "critical"),
        Rule("temperature", (Condition("cpuTemperature", above=80.0, hysteresis=5.0),), delay_s=10 * _MINUTE),
        Rule(
            "power",
            (
                Condition("batteryLevel", below=20.0, hysteresis=5.0),
                Condition("underVoltage", equals=True),
            ),
            delay_s=10 * _MINUTE,
        ),
        Rule("cardWorn", (Condition("cardWear", at_least=0.8, hysteresis=0.1),)),
        Rule("certificate", (Condition("certificateDaysLeft", below=30.0, hysteresis=1.0),)),
        Rule("clock", (Condition("clockState", equals="unset"),), delay_s=_HOUR),
        _FAULT,
    ),
}
"""By type. Hours, levels and temperatures are ours, from the field's usual; `[[alarm]]` changes each."""
