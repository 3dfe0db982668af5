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
METRICS = feed.METRICS
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
# What kind of trouble a link has (`edge_api.upstream.trouble`), and what an officer does about it.
TROUBLES = {
    "no-network": (
        _("This machine has no network."),
        _("Look at the modem, its cable and its SIM card. Nothing is lost meanwhile: it waits here."),
    ),
    "no-name": (
        _("The address of the level above is not found."),
        _(
            "Try whether a telephone gets into the Internet here. If it does, compare url in edge.toml with"
            " what the province has given out; if not, look at the modem and its SIM card."
        ),
    ),
    "closed": (
        _("The machine of the level above answers, but takes no readings now."),
        _("Wait a quarter of an hour. If it lasts, call whoever keeps that machine."),
    ),
    "silent": (
        _("The level above does not answer."),
        _(
            "Try whether a telephone gets into the Internet here. If it does, call whoever keeps the machine"
            " of the level above; if not, look at the modem and its SIM card."
        ),
    ),
    "cut": (
        _("The connection broke off while sending."),
        _("Nothing needs to be done: it is sent again by itself."),
    ),
    "certificate": (
        _("No safe connection can be made: a certificate is not trusted, or has ended."),
        _(
            "See on the page System whether the clock is right and which certificate has ended; then ask the"
            " province for a new one."
        ),
    ),
    "not-let-in": (
        _("The level above does not let this machine in: its password (token) is not valid there."),
        _(
            "Ask the province for a new token, write it into the file that edge.toml names, and start"
            " commune-edge anew."
        ),
    ),
    "no-place": (
        _("The level above has no such database."),
        _(
            "Compare url, org and bucket in edge.toml with what the province has given out; mend them and"
            " start commune-edge anew."
        ),
    ),
    "not-a-database": (
        _("Something else answers in the place of the level above, such as a login page of the provider."),
        _(
            "Open any page of the Internet here: if the provider wants a login or money, do that first."
            " Else compare url in edge.toml with what the province has given out."
        ),
    ),
    "refused": (
        _("The level above has refused some readings for good."),
        _("They stand below in quarantine, each with its reason; all others go on."),
    ),
    "too-large": (
        _("The level above wants smaller parcels."),
        _("Nothing needs to be done: smaller ones are sent by themselves."),
    ),
    "busy": (
        _("The level above is full or busy, and asks to wait."),
        _(
            "Nothing needs to be done here. If it lasts a day, call whoever keeps the machine of the level"
            " above."
        ),
    ),
    "sick": (
        _("The machine of the level above has a fault of its own."),
        _("Wait a quarter of an hour. If it lasts, call whoever keeps that machine."),
    ),
    "unexpected": (
        _("Something went wrong that this program does not know."),
        _("Send the words below to whoever looks after commune for you."),
    ),
}
# What a request is refused with, by its HTTP status, and what to do then.
PROBLEMS = {
    400: (_("This cannot be answered as it was asked."), _("Go back, open the page anew and try again.")),
    403: (_("This form is no longer valid."), _("Go back, open the page anew and try again.")),
    404: (_("This does not exist here."), _("It may have been removed or have another name now.")),
    413: (_("The form is too large."), _("Make it shorter and try again.")),
    422: (
        _("What was sent is not right yet."),
        _("Go back, mend what the detail below names, and send it again."),
    ),
    429: (_("Too many attempts."), _("Wait {n} seconds, then try again.")),
    503: (
        _("This cannot be done now."),
        _("Try again in a minute. If it lasts, look at the page System, or call whoever keeps this machine."),
    ),
}
LEVELS = {
    "commune": _("Commune"),
    "district": _("District"),
    "province": _("Province"),
    "central": _("Central level"),
}
LANES = {"events": _("alarms"), "live": _("new readings"), "backlog": _("older readings")}

SHARES = frozenset({"fillingLevel", "illuminanceLevel"})
