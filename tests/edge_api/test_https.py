"""HTTPS on both sides of an edge: a child that believes its parent's certificate, and one that does not."""

import gc
import ssl
import warnings
from pathlib import Path

import pytest
import urllib3
from click.testing import CliRunner
from urllib3.exceptions import SSLError

from edge_api.config import EdgeConfig, Http, Upstream
from edge_api.edge import Edge
from edge_api.server import HttpServer
from gateway.cli import main
from sensors.errors import ConfigError
from tests.edge_api.edge_rig import PROVINCE, edge_at_work, edge_config
from tests.edge_api.rig import segment
from tests.gateway.authorities import Made
from tests.parts.wait import until

# asyncio leaves a TLS connection whose good-bye was not answered to the collector, which warns.
pytestmark = [
    pytest.mark.parts,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    made = Made(tmp_path_factory.mktemp("pki") / "pki")
    made.issue("broker", commune="")
    made.issue("edge")
    return made


@pytest.fixture
def parent(made: Made, tmp_path: Path):
    files = made.files("42-broker")
    http = Http(host="127.0.0.1", cert_file=files["cert_file"], key_file=files["key_file"])
    (tmp_path / "up").mkdir()
    edge = Edge(edge_config(tmp_path / "up", PROVINCE))
    server = HttpServer("127.0.0.1", 0, http)
    edge.start()
    server.start(edge)
    yield edge, f"https://localhost:{server.port}"
    server.stop()
    edge.stop(1.0)
    gc.collect()


def child(folder: Path, url: str, **files: Path) -> EdgeConfig:
    return edge_config(folder, upstreams=[Upstream(name="province", url=url, **files)])


def test_a_child_delivers_over_https_to_a_parent_whose_authority_it_knows(made, parent, tmp_path) -> None:
    above, url = parent
    with edge_at_work(child(tmp_path, url, **made.files("42-18562-edge"))) as (edge, _):
        edge.spool.append([segment(range(1, 6))])
        until(lambda: edge.relays[0].drained, within_s=30)
    assert above.intake.counts.committed == 5


def test_a_parent_that_is_not_believed_gets_nothing_and_everything_stays(parent, tmp_path) -> None:
    above, url = parent
    stranger = Made(tmp_path / "other")
    with edge_at_work(child(tmp_path, url, ca_file=stranger.ca)) as (edge, _):
        edge.spool.append([segment(range(1, 6))])
        until(lambda: "certificate" in (edge.relays[0].last_error or ""), within_s=30)
        assert not edge.relays[0].drained
    assert above.intake.counts.received == 0


def test_old_tls_is_refused_and_the_pages_server_needs_its_own_key(made, parent, tmp_path) -> None:
    _, url = parent
    context = ssl.create_default_context(cafile=made.ca)
    with urllib3.PoolManager(ssl_context=context, retries=False) as pool:
        assert pool.request("GET", f"{url}/ping", headers={"Connection": "close"}).status == 204
    old = ssl.create_default_context(cafile=made.ca)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it is old, that is why
        old.minimum_version = ssl.TLSVersion.TLSv1_1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with urllib3.PoolManager(ssl_context=old, retries=False) as pool, pytest.raises(SSLError):
        pool.request("GET", f"{url}/ping")
    wrong = Http(
        cert_file=made.files("42-broker")["cert_file"], key_file=made.files("42-18562-edge")["key_file"]
    )
    with pytest.raises(ConfigError, match=r"^\[http\] key_file: .* is not the key of"):
        HttpServer("127.0.0.1", 0, wrong)


def test_what_ends_soon_is_told_by_the_api_the_metrics_and_the_status(made, tmp_path) -> None:
    files = made.issue("node", "late", days=5)
    config = edge_config(tmp_path, upstreams=[Upstream(name="p", url="https://h:1", **files)])
    with edge_at_work(config, serve=True) as (_, url):
        found = {each["what"]: each for each in urllib3.request("GET", f"{url}/v1/security").json()}
        assert 4 < found["upstream p: cert_file"]["daysLeft"] <= 5
        assert found["upstream p: ca_file"]["daysLeft"] > 7000
        metrics = urllib3.request("GET", f"{url}/metrics").data.decode()
        assert 'commune_certificate_days_left{file="upstream p: cert_file"} ' in metrics
        files["cert_file"].unlink()
        status = CliRunner().invoke(main, ["edge", "status", "--url", url])
        assert status.exit_code == 1
        assert f"upstream p: cert_file: {files['cert_file']}: No such file" in status.output
