"""What can be wrong with a deployed machine, in sentences for whoever stands in front of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from sensors.causes import Cause, broken, doubtful
from sensors.findings import CAUSES, Fact, Finding
from sensors.sample import Quality
from sensors.text import translator


def _(text: str) -> str:
    return text


SYMPTOMS: dict[str, Cause] = {
    "config-wrong": broken(
        _("The configuration is wrong: {detail}"),
        _("Correct the file that is named, then: sudo systemctl restart {unit}."),
    ),
    "secret-wrong": broken(
        _("A password, token or key cannot be used: {detail}"),
        _("Give the file to the service's user alone: chmod 600, chown commune."),
    ),
    "service-missing": broken(
        _("The service {where} is not installed"),
        _("Run the playbook site.yml for this machine again."),
    ),
    "service-stopped": broken(
        _("The service {where} does not run ({state}, {result})"),
        _("Read why: journalctl -u {where} -n 50; then: sudo systemctl restart {where}."),
    ),
    "service-disabled": broken(
        _("The service {where} will not come back after a power cut"),
        _("Run: sudo systemctl enable {where}."),
    ),
    "service-restarts": doubtful(
        _("The service {where} has been started again {times} times since the machine came up"),
        _("Read why: journalctl -u {where} -n 50."),
    ),
    "old-release": doubtful(
        _("The service {where} still runs release {running}; {current} is installed"),
        _("Run: sudo systemctl restart {where}."),
    ),
    "no-systemd": doubtful(
        _("systemd does not answer: nothing is known of the services ({detail})"),
        _("Run the command on the machine itself, not in a container."),
    ),
    "clock-unknown": doubtful(
        _("Whether the clock is set is not known: {detail}"),
        _("Look at it: chronyc tracking."),
    ),
    "disk-full": broken(
        _("Only {megabytes} MB are free where {where} is: less than min_free"),
        _("Delete what is not needed, or use a larger card; old readings are being thinned out."),
    ),
    "folder-closed": broken(
        _("{where} cannot be written by {user}"),
        _("Is the card read-only or worn out? Look: mount, dmesg. Else: chown -R {user} {where}."),
    ),
    "user-missing": broken(
        _("The user {user} does not exist on this machine"),
        _("Run the playbook site.yml for this machine again."),
    ),
    "bus-missing": broken(
        _("{where} does not exist: {what} cannot be read"),
        _("Is the adapter plugged in, the bus switched on (sudo raspi-config)? Then restart the machine."),
    ),
    "bus-closed": broken(
        _("{user} may not use {where}"),
        _("Run the playbook site.yml again, or: sudo usermod -aG {group} {user}, then restart the machine."),
    ),
    "broker-away": broken(
        _("The broker {where} does not take us: {detail}"),
        _("Does Mosquitto run, is the network up, are certificate or password the right ones?"),
    ),
    "edge-silent": broken(
        _("The edge does not answer at {where}: {detail}"),
        _("Read why: journalctl -u commune-edge -n 50."),
    ),
    "edge-unready": broken(
        _("The edge cannot take anything in: {detail}"),
        _("Look at the disk; then: journalctl -u commune-edge -n 50."),
    ),
    "edge-closed": doubtful(
        _("The edge at {where} tells nothing without a token"),
        _("Give one with the scope read: --token, or COMMUNE_TOKEN."),
    ),
    "upstream-away": broken(
        _("{where} cannot be reached: {detail}"),
        _("Look at the link and the address; nothing is lost, the readings wait on this disk."),
    ),
    "upstream-refuses": broken(
        _("{where} refuses what we send: {detail}"),
        _("Ask the province for the right token, organisation and bucket; nothing is lost meanwhile."),
    ),
    "certificate-ended": broken(
        _("{where} ended on {date}"),
        _("Renew it (commune pki renew) and bring the new file here; the key stays."),
    ),
    "certificate-ends": doubtful(
        _("{where} ends in {days} days, on {date}"),
        _("Renew it (commune pki renew) and bring the new file here; the key stays."),
    ),
    "certificate-unreadable": broken(
        _("{where} cannot be read: {detail}"),
        _("Bring the file again, and give it to the service's user."),
    ),
}


@dataclass(frozen=True, slots=True)
class Symptom:
    """One thing that is not as it should be: its code, the place, and facts for the sentence."""

    code: str
    where: str = ""
    facts: Mapping[str, Fact] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def severity(self) -> Quality:
        """BAD where the machine does not do its work, UNCERTAIN where somebody should look one day."""
        return _cause(self.code).severity


@dataclass(frozen=True, slots=True)
class Area:
    """One thing that was looked at, whatever came of it; `name` is an identifier of the catalogue."""

    name: str
    symptoms: Sequence[Symptom] = ()


def of(code: str, where: str = "", /, **facts: Fact) -> Symptom:
    """Make a symptom."""
    return Symptom(code, where, facts)


def of_findings(findings: Iterable[Finding]) -> list[Symptom]:
    """Take over what the checks of the sensors' room have found."""
    return [Symptom(each.code, each.where, each.facts) for each in findings]


def say(symptom: Symptom, lang: str) -> tuple[str, str]:
    """Return what is wrong and what to do next, in one of `sensors.text.LANGUAGES`."""
    cause, translate = _cause(symptom.code), translator(lang)
    facts = {"where": symptom.where, **symptom.facts}
    return translate(cause.wrong).format(**facts), translate(cause.look).format(**facts)


def _cause(code: str) -> Cause:
    return SYMPTOMS.get(code) or CAUSES[code]
