"""The commands of a province's authority: make it, issue, renew and revoke certificates, list them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from gateway.cli import configuration
from gateway.pki.names import KINDS, Kind

if TYPE_CHECKING:
    from gateway.pki.authority import Issued

FOLDER = Path("/etc/commune/pki")

_dir = click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    default=FOLDER,
    show_default=True,
    help="The authority's folder.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON.")
_days = click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=730,
    show_default=True,
    help="How long the certificate is good.",
)


@click.group(help="Issue, renew and revoke the certificates of a province.")
def pki() -> None:
    """Hold the commands of an authority."""


def _say(facts: Any, text: str, as_json: bool) -> None:
    click.echo(json.dumps(facts, ensure_ascii=False) if as_json else text)


def _facts(folder: Path, issued: "Issued") -> dict[str, Any]:
    """Return what a person needs to know of a certificate, and where its files are."""
    there = folder / "issued" / issued.cn
    facts: dict[str, Any] = {**msgspec.to_builtins(issued), "state": issued.state}
    return {
        **facts,
        "cert_file": f"{there}.pem",
        "key_file": f"{there}.key",
        "ca_file": str(folder / "ca.pem"),
    }


@pki.command()
@click.option("--province", required=True, help="Its 2-digit unit code.")
@click.option("--name", help="What the authority is called; by default 'commune CA PROVINCE'.")
@click.option("--days", type=click.IntRange(365, 10_950), default=7300, show_default=True)
@click.option(
    "--crl-days",
    type=click.IntRange(1, 1825),
    default=400,
    show_default=True,
    help="How long a revocation list is good; past its end a broker refuses everybody.",
)
@_dir
@_json
def init(province: str, name: str | None, days: int, crl_days: int, folder: Path, as_json: bool) -> None:
    """Make a new authority; one that is there is never touched."""
    from gateway.pki.authority import Authority
    from gateway.pki.names import bearer

    with configuration():
        bearer("edge", province)  # checks the code
        made = Authority.create(folder, province, name or f"commune CA {province}", days, crl_days)
    facts = {
        "province": province,
        "ca_file": str(folder / "ca.pem"),
        "crl_file": str(folder / "crl.pem"),
        "expires": made.certificate.not_valid_after_utc.isoformat(),
    }
    text = (
        f"{folder}: the authority of province {province} is made.\n"
        f"Keep {folder}/ca.key off the network, with a copy in another place: whoever has it is everybody."
    )
    _say(facts, text, as_json)


@pki.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--commune", default="", help="5-digit unit code; left out for the province's own.")
@click.option("--name", default="", help="A node's gw, or a monitor's or operator's name.")
@click.option("--host", "hosts", multiple=True, help="A broker's host name or address; may be repeated.")
@_days
@_dir
@_json
def issue(
    kind: Kind, commune: str, name: str, hosts: tuple[str, ...], days: int, folder: Path, as_json: bool
) -> None:
    """Make a key and a certificate: for a node, an edge, a broker, a bridge, a monitor, an operator."""
    from gateway.pki.authority import Authority
    from gateway.pki.names import address, bearer

    with configuration():
        authority = Authority.load(folder)
        whom = bearer(kind, authority.index.province, commune, name)
        for host in hosts:
            address(host)
        if hosts and kind != "broker":
            raise click.UsageError("--host belongs to a broker: clients are known by their name alone")
        issued = authority.issue(whom, hosts, days)
    facts = _facts(folder, issued)
    _say(
        facts, f"{issued.cn}: good until {issued.expires}\n{facts['cert_file']}\n{facts['key_file']}", as_json
    )


@pki.command()
@click.argument("cn", required=False)
@click.option("--crl", is_flag=True, help="Renew the revocation list; with no CN this is all that is done.")
@_days
@_dir
@_json
def renew(cn: str | None, crl: bool, days: int, folder: Path, as_json: bool) -> None:
    """Make a new certificate for the same key, or the revocation list anew."""
    from gateway.pki.authority import Authority

    if cn is None and not crl:
        raise click.UsageError("say whose certificate, such as 42-18562-gw-01, or --crl, or both")
    facts: dict[str, Any] = {}
    lines = []
    with configuration():
        authority = Authority.load(folder)
        if cn is not None:
            issued = authority.renew(cn, days)
            facts |= _facts(folder, issued)
            lines.append(f"{cn}: good until {issued.expires}\n{facts['cert_file']}")
        if crl:
            end = authority.publish_crl()
            facts |= {"crl_file": str(folder / "crl.pem"), "crl_expires": end.isoformat()}
            lines.append(f"{folder / 'crl.pem'}: good until {end:%Y-%m-%d}; bring it to every broker")
    _say(facts, "\n".join(lines), as_json)


@pki.command()
@click.argument("cn")
@_dir
@_json
def revoke(cn: str, folder: Path, as_json: bool) -> None:
    """Revoke all certificates of a bearer, such as 42-18562-gw-01, and write the list anew."""
    from gateway.pki.authority import Authority

    with configuration():
        revoked = Authority.load(folder).revoke(cn)
    facts = {"cn": cn, "serials": [each.serial for each in revoked], "crl_file": str(folder / "crl.pem")}
    text = (
        f"{cn}: revoked. Bring {folder / 'crl.pem'} to every broker and restart Mosquitto there:\n"
        "only a restart ends the connections that are open now."
    )
    _say(facts, text, as_json)


@pki.command("list")
@click.option("--within", type=click.IntRange(0), help="Only those that end within so many days.")
@_dir
@_json
def list_(within: int | None, folder: Path, as_json: bool) -> None:
    """List what was issued, and the revocation list; exit code 1 when something ends in 30 days."""
    import time

    from gateway.feed.expiry import look
    from gateway.pki.authority import Authority

    soon = 30 if within is None else within
    with configuration():
        authority = Authority.load(folder)
    newest = {each.cn: each for each in authority.index.issued}
    files = [("ca.pem", folder / "ca.pem"), ("crl.pem", folder / "crl.pem")]
    files += [(cn, folder / "issued" / f"{cn}.pem") for cn, each in newest.items() if each.revoked is None]
    ends = {each.what: each for each in look(files, time.time_ns())}
    late = [what for what, each in ends.items() if each.days_left is None or each.days_left < soon]
    rows = [
        {**_facts(folder, each), "current": newest[each.cn] is each}
        for each in authority.index.issued
        if within is None or each.cn in late
    ]
    left = {what: each.days_left for what, each in ends.items()}
    lines = [f"{row['cn']:<28} {row['state']:<8} {row['expires']}  {row['serial']}" for row in rows]
    lines += [f"{what:<28} {left[what]} days left" for what in ("ca.pem", "crl.pem")]
    lines += [f"ends soon: {what}" for what in late]
    _say({"issued": rows, "days_left": left, "ends_soon": late}, "\n".join(lines), as_json)
    if late:
        raise SystemExit(1)
