"""The installation certificate: what a check found, by whom and when, as data with a digest and as a page.

The digest shows that nothing was changed since by accident or by an editor; it is no signature, for the node
holds no secret that a person at its keyboard could not use.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import msgspec

from gateway.check.words import QUALITY
from gateway.config import NodeConfig
from gateway.feed.desk import Checked, Quality
from sensors.calibration import Record
from sensors.sample import Quality as Severity
from sensors.text import Translate, translator

LOCAL = timezone(timedelta(hours=7), "UTC+7")


def _(text: str) -> str:
    return text


class Made(msgspec.Struct, frozen=True):
    """One calibration that holds: of which value, of which kind, when and by whom."""

    of: str
    kind: str
    at: str
    by: str


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """All that is certified. `at` is RFC 3339 in UTC; unless `clock_set` nobody vouches for it."""

    v: Literal[1] = 1
    province: str
    commune: str
    site: str
    gw: str
    who: str
    at: str
    clock_set: bool
    software: str
    verdict: Quality
    devices: list[Checked]
    calibrations: list[Made]
    digest: str = ""


def certify(
    config: NodeConfig,
    checked: Sequence[Checked],
    records: Iterable[Record],
    *,
    who: str,
    wall_ns: int,
    clock_set: bool,
) -> Certificate:
    """Put a check and the newest calibration of each value together, and seal them with their digest."""
    newest = {record.of: record for record in records}
    site = config.site
    words: dict[Quality, Severity] = {each.word: each for each in Severity}
    made = Certificate(
        province=site.province,
        commune=site.commune,
        site=site.name,
        gw=site.gw,
        who=who,
        at=f"{datetime.fromtimestamp(wall_ns / 1e9, UTC):%Y-%m-%dT%H:%M:%SZ}",
        clock_set=clock_set,
        software=version("commune"),
        verdict=max((words[each.quality] for each in checked), default=Severity.GOOD).word,
        devices=list(checked),
        calibrations=[Made(each.of, each.kind, each.at, each.by) for each in newest.values()],
    )
    return msgspec.structs.replace(made, digest=digest(made))


def digest(certificate: Certificate) -> str:
    """Return the SHA-256, in hex, of the certificate's JSON with sorted keys and an empty digest."""
    bare = msgspec.structs.replace(certificate, digest="")
    return hashlib.sha256(msgspec.json.encode(bare, order="sorted")).hexdigest()


def read(data: bytes) -> Certificate:
    """Read a certificate; raise ValueError when it is none, or not as it was made."""
    try:
        found = msgspec.json.decode(data, type=Certificate)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"not a certificate: {error}") from error
    if found.digest != digest(found):
        raise ValueError("it was changed after it was made: its digest does not fit")
    return found


def page(certificate: Certificate, lang: str) -> str:
    """Lay the certificate out as one HTML page that needs nothing else, to be printed and signed."""
    from jinja2 import Environment, FileSystemLoader  # noqa: PLC0415 - only a certificate needs it

    translate: Translate = translator(lang)
    paper = Environment(autoescape=True, loader=FileSystemLoader(Path(__file__).parent))
    at = datetime.fromisoformat(certificate.at).astimezone(LOCAL)
    return paper.get_template("certificate.html").render(
        _=translate, lang=lang, made=certificate, at=f"{at:%d/%m/%Y %H:%M}", quality=QUALITY
    )


def save(certificate: Certificate, file: Path, lang: str) -> tuple[Path, Path]:
    """Write the page to `file` (.html) and the data beside it (.json); return both; raise OSError."""
    html, data = file.with_suffix(".html"), file.with_suffix(".json")
    html.write_text(page(certificate, lang), encoding="utf-8")
    data.write_bytes(msgspec.json.format(msgspec.json.encode(certificate), indent=1) + b"\n")
    return html, data
