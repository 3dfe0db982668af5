"""The vocabulary of the page: which sentence stands for a type, a field, a state, a reason of the feed.

The sentences are English and go through the catalogue when they are shown; `_` only marks them for it.
"""

from gateway.feed import words as feed
from sensors import reasons


def _(text: str) -> str:
    return text


DOMAINS = {
    "waste": _("Waste"),
    "water": _("Water"),
    "lighting": _("Lighting"),
    "gateway": _("Sensor nodes"),
}
TYPES = {
    "WasteContainer": _("Waste bin"),
    "WasteObserved": _("Weighbridge"),
    "WaterQualityObserved": _("Water quality"),
    "WaterDistributionNetwork": _("Water network"),
    "WaterConsumptionObserved": _("Water meter"),
    "Streetlight": _("Street lamp"),
    "StreetlightControlCabinet": _("Lamp cabinet"),
    "Device": _("Sensor node"),
}
FIELDS = feed.FIELDS
VALUES = {
    "ok": _("in order"),
    "lidOpen": _("lid open"),
    "burning": _("burning"),
    "moved": _("moved away"),
    "unknown": _("unknown"),
    "defectiveLamp": _("lamp defective"),
    "columnIssue": _("column damaged"),
    "brokenLantern": _("lantern broken"),
    "dayBurner": _("burns by day"),
    "tripped": _("switched on, but no power"),
    "on": _("on"),
    "off": _("off"),
    "low": _("dimmed"),
    "synced": _("set"),
    "holdover": _("running on its own"),
    "unset": _("not set"),
}
STATUS = {"online": _("online"), "offline": _("offline"), "fault": _("fault")}
QUALITY = {"good": _("good"), "uncertain": _("uncertain"), "bad": _("bad")}
REASONS = {code: reason.sentence for code, reason in reasons.REASONS.items()}
ALERTS = {
    "binFull": _("bin is full"),
    "fire": _("fire"),
    "leak": _("leak"),
    "limit": _("limit broken"),
    "limitBroken": _("limit broken"),
    "lampFailed": _("lamp has failed"),
    "doorOpen": _("door is open"),
    "gap": _("readings were lost"),
    "binOverflow": _("bin overflows"),
    "lidOpen": _("lid stands open"),
    "moved": _("bin was moved"),
    "tankLow": _("tank nearly empty"),
    "tankHigh": _("tank about to overflow"),
    "dayBurner": _("lamps burn by day"),
    "sensorFault": _("sensor gives no value"),
    "power": _("power supply too weak"),
    "disk": _("disk nearly full"),
    "cardWorn": _("memory card nearly used up"),
    "temperature": _("node too hot"),
    "clock": _("clock not set"),
    "certificate": _("certificate expires soon"),
    "flapping": _("alarm comes and goes too often"),
}
SEVERITIES = {"info": _("for information"), "warning": _("warning"), "critical": _("urgent")}
ENDINGS = {
    "cleared": _("over"),
    "superseded": _("a later alarm took its place"),
    "rule-removed": _("the rule was taken away"),
}
ROLES = {"read": _("may look"), "admin": _("may change things")}
ACTIONS = {
    "login": _("logged in"),
    "acknowledge": _("saw an alarm"),
    "replay": _("sent quarantined data again"),
    "drop": _("gave quarantined data up"),
    "calibrate": _("calibrated"),
    "check": _("checked devices"),
    "certificate": _("made a certificate"),
}
GAPS = {
    "power": _("the node was off"),
    "stopped": _("the node's program did not run"),
    "quota": _("there was no room left for them"),
    "disk": _("the disk took nothing, and memory was full"),
    "damage": _("they were lost with a damaged file"),
    "quarantined": _("they are in quarantine"),
    "dropped": _("they were given up from quarantine"),
    "replaced": _("a new card or node counts anew; how the old one ended is not known"),
    "unknown": _("they have not come; the node may still have them"),
}
LINK = {
    "idle": _("everything delivered"),
    "sending": _("sending"),
    "retrying": _("no link, trying again"),
    "holding": _("refused: a person must act"),
}
LEVELS = {
    "commune": _("Commune"),
    "district": _("District"),
    "province": _("Province"),
    "central": _("Central level"),
}
LANES = {"events": _("alarms"), "live": _("new readings"), "backlog": _("older readings")}

SHARES = frozenset({"fillingLevel", "illuminanceLevel"})
