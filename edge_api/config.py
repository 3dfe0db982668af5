"""The edge's configuration: which level it is, what it listens to, and where it relays."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from edge_api.broker.settings import Broker, broker_problems
from edge_api.limits import Limits
from edge_api.province.config import Province, province_problems
from edge_api.rollups.settings import Rollups, Rule, rollups_problems, rule_problems
from edge_api.tokens import Token
from edge_api.web.settings import DeskSocket, Page
from gateway.feed import FeedError, Topic
from gateway.feed.tls import PLAIN_MQTT, TLS_MQTT, Tls, tls_problems
from gateway.spool.quota import quota_problems
from sensors import settings as files
from sensors.errors import ConfigError
from sensors.secrets import read_secret
from sensors.settings import Bytes, Seconds, Settings

Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
_SHORTEST_TIMEOUT_S = 0.1
_NAME = Annotated[str, msgspec.Meta(pattern="^[a-z0-9-]{1,40}$")]


class Site(Settings, frozen=True):
    """Table [site]: the level and the official unit codes. Only a commune has a commune code."""

    level: Literal["commune", "district", "province", "central"]
    province: str = ""
    commune: str = ""
    name: str = ""


class Mqtt(Tls, frozen=True):
    """Table [mqtt]: the broker whose feed is ingested. Without the table the edge takes HTTP only."""

    host: str = "localhost"
    port: Port = 1883
    username: str | None = None
    password_file: Path | None = None
    keepalive: Seconds = Seconds(30)


class Http(Settings, frozen=True):
    """Table [http]: where API and page are served, by HTTPS with a certificate and its key.

    `open_reading`: reading needs no token. `open`: without any [[token]], everybody may do everything.

    `backlog_rate` is what is taken of all children's backlogs together, in bytes a second; 0 is no limit.
    """

    host: str = "0.0.0.0"  # noqa: S104 - phones and children reach the edge over the commune's network
    port: Port = 8086
    open_reading: bool = True
    open: bool = False
    backlog_rate: Bytes = Bytes(0)
    cert_file: Path | None = None
    key_file: Path | None = None


class Exchange(Settings, frozen=True):
    """Table [exchange]: the Ed25519 key that signs exports and receipts; `commune edge key` makes one."""

    key_file: Path | None = None


class Trust(Settings, frozen=True):
    """One [[trust]]: whose exports and receipts are taken in, by the public key that `key` printed."""

    name: _NAME
    public_key: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Spool(Settings, frozen=True):
    """Table [spool]: where everything waits until the next hop has it.

    `linger` is how long a reading may wait for company, so that a card is written less often; alarms do not.
    `max_bytes` is what may wait, `min_free` what stays free on the disk. `when_full` thins the oldest
    readings, or refuses new ones, which senders then keep; by default a commune thins, higher levels refuse.
    """

    path: Path = Path("/var/lib/commune/edge.db")
    linger: Seconds = Seconds(1.5)
    keep: Seconds = Seconds(60)
    max_bytes: Bytes = Bytes(4_000_000_000)
    min_free: Bytes = Bytes(200_000_000)
    when_full: Literal["thin", "refuse"] | None = None


class History(Settings, frozen=True):
    """Table [history]: the local copy behind the page; `keep` is how long, in at most `max_bytes`.

    Assets above `max_assets` are not shown: whoever may write must not fill the memory with names. By default
    a commune, which may be a Pi of 512 MB, shows 50,000, higher levels 150,000.
    """

    path: Path = Path("/var/lib/commune/history.db")
    keep: Seconds = Seconds(30 * 86_400)
    max_bytes: Bytes = Bytes(256_000_000)
    max_assets: Annotated[int, msgspec.Meta(ge=1)] | None = None


class Upstream(Tls, frozen=True):
    """One [[upstream]]: a database or the next edge. `api` is its dialect: v2, or v1 for InfluxDB 1.x.

    `what` goes there: all readings, or roll-ups by the hour, chosen by the [[upstream.rollup]] rules.
    """

    name: _NAME
    url: Annotated[str, msgspec.Meta(pattern="^https?://[^/]+")]
    api: Literal["v2", "v1"] = "v2"
    token_file: Path | None = None
    org: str = "commune"
    bucket: str = "commune"
    username: str | None = None
    password_file: Path | None = None
    timeout: Seconds = Seconds(30)
    max_bytes: Bytes = Bytes(512_000)
    backlog_rate: Bytes = Bytes(0)
    what: Literal["readings", "rollups"] = "readings"
    rules: list[Rule] = msgspec.field(default_factory=list, name="rollup")

    def secret(self) -> str:
        """Return the token (v2) or password (v1); empty without one. Raises ConfigError."""
        key = "token_file" if self.api == "v2" else "password_file"
        path = self.token_file if self.api == "v2" else self.password_file
        secret = read_secret(path, f"upstream {self.name}: {key}").strip() if path else ""
        if self.api == "v2" and not secret.isascii():
            raise ConfigError(f"upstream {self.name}: {key}: {path} holds letters that no token has")
        return secret


class EdgeConfig(Settings, frozen=True):
    """A whole edge.toml."""

    site: Site
    mqtt: Mqtt | None = None
    http: Http = Http()
    broker: Broker | None = None
    limits: Limits = Limits()
    programme: Province | None = msgspec.field(default=None, name="province")
    spool: Spool = Spool()
    rollups: Rollups = Rollups()
    history: History = History()
    page: Page = Page()
    desk: DeskSocket | None = None
    exchange: Exchange = Exchange()
    trusted: list[Trust] = msgspec.field(default_factory=list, name="trust")
    tokens: list[Token] = msgspec.field(default_factory=list, name="token")
    upstreams: list[Upstream] = msgspec.field(default_factory=list, name="upstream")


def most_assets(config: EdgeConfig) -> int:
    """Return how many assets an edge shows at most."""
    return config.history.max_assets or (50_000 if config.site.level == "commune" else 150_000)


def thins(config: EdgeConfig) -> bool:
    """Whether a full spool gives up old readings; else it refuses new ones."""
    return (config.spool.when_full or ("thin" if config.site.level == "commune" else "refuse")) == "thin"


def load(path: Path, environ: Mapping[str, str] | None = None) -> EdgeConfig:
    """Read and check an edge.toml; raise ConfigError with one line a problem."""
    config = files.load(path, EdgeConfig, environ)
    problems = check(config)
    if problems:
        raise ConfigError("\n".join(f"{path}: {problem}" for problem in problems))
    return config


def check(config: EdgeConfig) -> list[str]:
    """Return what keeps the parts from working together, one sentence a problem."""
    problems = []
    site = config.site
    if site.level == "commune" and not (site.province and site.commune):
        problems.append(
            "[site]: an edge at commune level needs province and commune, its official unit codes"
        )
    try:
        Topic(site.province or "00", site.commune or "00000", "gateway", "x", "meta")
    except FeedError as error:
        problems.append(f"[site] {error}")
    for kind, names in (
        ("upstream", [each.name for each in config.upstreams]),
        ("token", [each.name for each in config.tokens]),
    ):
        problems += [
            f"{kind} {name}: there are two of that name"
            for name in sorted(set(names))
            if names.count(name) > 1
        ]
    problems += quota_problems(config.spool.max_bytes)
    if config.spool.path == config.history.path:
        problems.append("[history] path: it is the spool's; give each its own file")
    if config.mqtt is not None and config.mqtt.keepalive > 65_535:
        problems.append("[mqtt] keepalive: MQTT knows at most 65535 s; write 30")
    if config.mqtt is not None:
        problems += [f"[mqtt] {problem}" for problem in tls_problems(config.mqtt)]
        if config.mqtt.ca_file is not None and config.mqtt.port == PLAIN_MQTT:
            problems.append(
                f"[mqtt] port: {PLAIN_MQTT} is MQTT without TLS, and there is a ca_file; write {TLS_MQTT}"
            )
    if config.broker is not None:
        problems += broker_problems(config.broker, site.province, site.commune)
    problems += province_problems(config.programme)
    problems += rollups_problems(config.rollups)
    if (config.http.cert_file is None) != (config.http.key_file is None):
        problems.append("[http] cert_file and key_file go together: give both or none")
    return problems + [problem for each in config.upstreams for problem in _upstream_problems(each)]


def _upstream_problems(upstream: Upstream) -> list[str]:
    problems = []
    if upstream.api == "v1" and upstream.token_file:
        problems.append("token_file: v1 takes username and password_file")
    if upstream.api == "v2" and (upstream.username or upstream.password_file):
        problems.append("username and password_file belong to v1; v2 takes token_file")
    if upstream.timeout < _SHORTEST_TIMEOUT_S:
        problems.append(f"timeout: at least {_SHORTEST_TIMEOUT_S:g} s; write 30")
    problems += tls_problems(upstream, needs_ca=False)
    problems += rule_problems(upstream.rules)
    if upstream.rules and upstream.what != "rollups":
        problems.append('rollup: rules choose what is rolled up; add what = "rollups"')
    if upstream.url.startswith("http://") and (upstream.ca_file or upstream.cert_file):
        problems.append("url: http:// goes without TLS, and there is a ca_file or cert_file; write https://")
    if not _is_address(upstream.url):
        problems.append(f"url: {upstream.url!r} is not an address; write http://HOST:PORT")
    return [f"upstream {upstream.name}: {problem}" for problem in problems]


def _is_address(url: str) -> bool:
    """Whether a URL holds scheme, host, port and path, and nothing else."""
    try:
        parts = urlsplit(url)
        return (
            bool(parts.hostname) and parts.port != 0 and not (parts.query or parts.fragment or parts.username)
        )
    except ValueError:
        return False
