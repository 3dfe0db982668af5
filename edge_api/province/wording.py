"""Which sentence stands for an indicator; English, and through the catalogue when it is shown."""

from edge_api.province.figures import Figure
from sensors.text import Translate


def _(text: str) -> str:
    return text


NAMES_OF = {
    "completeness": _("Readings that arrived, of those expected"),
    "collection-rate": _("Household waste collected, of that generated"),
    "weighed": _("Waste weighed"),
    "generated": _("Waste generated (estimated)"),
    "plant-tonnes": _("Waste brought to the plant"),
    "plant-load": _("Load of the plant, of its capacity"),
    "overflow-hours": _("Hours in which bins were full (all bins together)"),
    "emptied-on-time": _("Full bins emptied in time"),
    "response-p50": _("Time from full to emptied, median"),
    "response-p90": _("Time from full to emptied, nine of ten"),
    "outside-ph": _("pH outside its limits"),
    "outside-turbidity": _("Turbidity outside its limits"),
    "outside-chlorine": _("Free chlorine outside its limits"),
    "night-flow": _("Flow at night (02:00 to 04:00)"),
    "leakage": _("Leakage (estimated from the night)"),
    "supply-hours": _("Hours with water a day"),
    "lit-in-darkness": _("Lamps lit in darkness"),
    "lit-hours": _("Hours lit (all lamps together)"),
    "burning-by-day": _("Hours lit by day"),
    "energy": _("Energy for lighting"),
    "energy-saved": _("Energy saved against the baseline"),
    "repair-p50": _("Time to repair lamps, median"),
    "repair-p90": _("Time to repair lamps, nine of ten"),
}
UNITS_OF = {
    "h": _("hours"),
    "h/d": _("hours a day"),
    "t": _("tonnes"),
    "t/d": _("tonnes a day"),
    "m³/d": _("m³ a day"),
}


SIDES = {"north": _("north of the province"), "south": _("south of the province")}


def name_and_plant(figure: Figure, say: Translate) -> str:
    """Return an indicator's name in words, with the plant's and where that is, where it is of one."""
    name = say(NAMES_OF[figure.name])
    return f"{name}: {figure.of} ({side_of(figure, say)})" if figure.of else name


def side_of(figure: Figure, say: Translate) -> str:
    """Return in words where a plant is; nothing for a figure of no plant."""
    return say(SIDES[figure.side]) if figure.side else ""


def unit_of(figure: Figure, say: Translate) -> str:
    """Return a unit as people write it."""
    return say(UNITS_OF[figure.unit]) if figure.unit in UNITS_OF else figure.unit
