"""A node and an edge as processes over TLS: what they say when one is revoked, and what they never say."""

import sys
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

import pytest

from edge_api.edge import Edge
from edge_api.tokens import Token
from tests.edge_api.edge_rig import PROVINCE, edge_at_work, edge_config
from tests.gateway.authorities import Made
from tests.gateway.nodes import COMMUNE as COMMAND
from tests.gateway.nodes import TABLES
from tests.parts.process import Part
from tests.parts.secured import SecuredBroker
from tests.parts.wait import until

pytestmark = pytest.mark.parts

SECRET = "a-token-that-nobody-may-see-0123456789"
NODES = '[[broker.node]]\ngw = "gw-01"\n'


def keys(files: dict[str, Path]) -> str:
    return "\n".join(f'{key} = "{path}"' for key, path in files.items())


class Daemon(Part):
    """`commune node run` or `commune edge run` on a file."""

    program: ClassVar[str] = sys.executable

    def __init__(self, folder: Path, which: str, text: str) -> None:
        super().__init__(folder)
        self.which = which
        (folder / f"{which}.toml").write_text(text)

    def arguments(self) -> list[str]:
        return [*COMMAND[1:], self.which, "run", str(self.folder / f"{self.which}.toml")]

    def ready(self) -> bool:
        return "starts, spool" in self.log or "serves on port" in self.log

    @property
    def command_line(self) -> bytes:
        return Path(f"/proc/{self.pid}/cmdline").read_bytes()


def node(folder: Path, made: Made, broker: SecuredBroker) -> Daemon:
    text = TABLES.format(port=broker.port, spool=folder / "node.db")
    text = text.replace('host = "127.0.0.1"', f'host = "localhost"\n{keys(made.files("42-18562-gw-01"))}')
    return Daemon(folder, "node", text)


def edge(folder: Path, made: Made, broker: SecuredBroker, above: str) -> Daemon:
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(SECRET)
    text = f"""[site]
level = "commune"
province = "42"
commune = "18562"
[mqtt]
host = "localhost"
port = {broker.port}
{keys(made.files("42-18562-edge"))}
[http]
host = "127.0.0.1"
port = 0
[spool]
path = "{folder}/edge.db"
[history]
path = "{folder}/history.db"
[[upstream]]
name = "province"
url = "{above}"
token_file = "{token}"
"""
    part = Daemon(folder, "edge", text)
    (folder / "edge.toml").write_text(text.replace("port = 0", f"port = {part.port}"))
    return part


def test_a_revoked_node_is_refused_keeps_its_readings_and_delivers_them_with_a_new_certificate(
    tmp_path: Path,
) -> None:
    made = Made(tmp_path / "pki")
    made.issue("node", "gw-01")
    made.issue("edge")
    folders = [tmp_path / name for name in ("node", "edge", "above")]
    for folder in folders:
        folder.mkdir()
    digest = sha256(SECRET.encode()).hexdigest()
    child = Token(name="child", sha256=digest, scopes=["ingest"], commune="18562")
    with (
        edge_at_work(edge_config(folders[2], PROVINCE, tokens=[child]), serve=True) as (above, url),
        SecuredBroker(made, tables=NODES) as broker,
        edge(folders[1], made, broker, url) as one,
        node(folders[0], made, broker) as other,
    ):
        until(lambda: above.intake.counts.committed >= 3, within_s=60, what="readings at the province")
        assert all(SECRET.encode() not in part.command_line for part in (one, other))
        made.authority.revoke("42-18562-gw-01")
        broker.restart()
        until(lambda: "certificate" in other.log, within_s=60, what="the node to say why")
        until(lambda: "certificate verify failed" in broker.log, what="the broker to say why")
        until(lambda: one.log.count("mqtt: open") >= 2, within_s=60, what="the edge to be let in again")
        taken = {seq for _, _, seq in _seen(above)}
        key = made.files("42-18562-gw-01")["key_file"]
        key.rename(tmp_path / "revoked.key")
        made.issue("node", "gw-01")
        until(lambda: other.log.count("mqtt: open") >= 2, within_s=60, what="the new certificate to be read")
        until(lambda: len(_seen(above)) > len(taken) + 3, within_s=60, what="what waited")
        seqs = sorted(seq for _, _, seq in _seen(above))
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), "nothing is missing in between"
        said = one.log + other.log + broker.log
    private = [path.read_text().splitlines()[1] for path in (tmp_path / "pki").rglob("*.key")]
    assert SECRET not in said
    assert not [line for line in private if line in said]


def _seen(above: Edge) -> list[tuple[str, str, int]]:
    spool = above.spool
    with spool.lock:
        return [
            (gw, ep, seq)
            for (gw, ep), ranges in spool.streams.items()
            for first, last in ranges
            for seq in range(first, last + 1)
        ]
