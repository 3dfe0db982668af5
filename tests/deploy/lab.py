"""A commune and a province on machines of their own, set up by the playbooks as anybody would do it."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.deploy.machine import Machine, Network
from tests.parts.wait import until

ROOT = Path(__file__).parents[2]
ANSIBLE = ROOT / "deploy/ansible"
COMMUNE, PROVINCE, MARKET = "thach-lac", "ha-tinh", "thach-lac-cho"
TOKEN = "only-for-the-lab-0123456789abcdef0123456789"
FINGERPRINT = sha256(TOKEN.encode()).hexdigest()
# The container has neither a clock nor a kernel of its own, no mirror within reach, and no sensors.
LAB = """
ansible_user: root
base_install_packages: false
base_own_kernel: false
base_time_servers: [{here}]
base_unattended_upgrades: false
broker_install: false
province_install: false
software_patience_s: 40
software_bundle: {bundle}
software_public_key: {key}
commune_pki: {pki}
commune_province: "42"
"""
MACHINES = f"""
all:
  children:
    provinces:
      hosts:
        {PROVINCE}:
          ansible_host: 10.97.31.10
          commune_name: Hà Tĩnh
          edge_level: province
          edge_https: true
          province_database: influxdb1
          commune_children: ["18562"]
          commune_monitors: [42-monitor-ioc]
          edge_upstreams:
            - {{name: influx, url: "http://127.0.0.1:8087", api: v1, bucket: communes}}
          edge_tokens:
            - {{name: thach-lac, sha256: {FINGERPRINT}, scopes: [ingest], commune: "18562"}}
    communes:
      vars:
        commune_code: "18562"
        commune_name: Xã Thạch Lạc
        node_command: "sim node /etc/commune/node.toml --bins 3"
      hosts:
        {COMMUNE}:
          ansible_host: 10.97.31.11
          node_gw: gw-01
          commune_nodes: {{gw-01: [], gw-02: []}}
          commune_bridge_host: 10.97.31.10
          edge_upstreams:
            - {{name: province, url: "https://10.97.31.10:8086", token: {TOKEN}}}
        {MARKET}:
          ansible_host: 10.97.31.12
          node_gw: gw-02
          node_broker: 10.97.31.11
          # Its bins are others than those of gw-01.
          node_command: "sim node /etc/commune/node.toml --bins 3 --seed 7"
    edges:
      hosts: {{{PROVINCE}: , {COMMUNE}: }}
    brokers:
      hosts: {{{PROVINCE}: , {COMMUNE}: }}
    nodes:
      hosts: {{{COMMUNE}: , {MARKET}: }}
"""


def ansible() -> Path:
    """Return the folder with ansible's programs: a venv of its own, for it would double ours."""
    given = os.environ.get("COMMUNE_ANSIBLE")
    if given:
        return Path(given)
    venv = ROOT / ".venv-deploy"
    lock = ROOT / "requirements-deploy.lock"
    mark = venv / ".complete"
    if not mark.exists() or mark.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
        subprocess.run(
            [venv / "bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check", "install",
             "--require-hashes", "-r", str(lock)], check=True,
        )  # fmt: skip
        mark.touch()
    return venv / "bin"


def key_pair(folder: Path) -> Path:
    """Make a key that signs bundles; its public half gets the suffix .pub."""
    key = folder / "bundle.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key)], check=True)
    subprocess.run(
        ["openssl", "pkey", "-in", str(key), "-pubout", "-out", str(key.with_suffix(".pub"))], check=True
    )
    return key


def bundle(
    folder: Path, key: Path, version: str = "0.1.0", source: Path = ROOT, platforms: str = "x86_64:3.11"
) -> Path:
    """Build a bundle from a checkout, for this machine unless told otherwise."""
    environ = os.environ | {"BUNDLE_PLATFORMS": platforms, "BUNDLE_VERSION": version,
                            "BUNDLE_PYTHON": sys.executable}  # fmt: skip
    done = subprocess.run(
        ["bash", "scripts/bundle.sh", str(key), str(folder)],
        cwd=source, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return folder / f"commune-bundle-{version}.tar"


class Lab:
    """Machines, an inventory for them, and the province's authority."""

    def __init__(self, folder: Path, key: Path, software: Path) -> None:
        self.folder = folder
        self.network = Network()
        self.inventory = folder / "inventory"
        self._key, self._software = key, software
        self.machines: dict[str, Machine] = {}

    def __enter__(self) -> Self:
        self.network.__enter__()
        try:
            self._authority()
            self._inventory()
            for name, number in ((PROVINCE, 10), (COMMUNE, 11), (MARKET, 12)):
                self.machines[name] = Machine(self.folder, name, number, self.network)
                self.machines[name].boot()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for machine in self.machines.values():
            machine.cut()
        self.network.__exit__(kind, error, trace)

    def _authority(self) -> None:
        pki = str(self.folder / "pki")

        def issue(*words: str) -> None:
            subprocess.run(
                [str(Path(sys.executable).parent / "commune"), "pki", *words, "--dir", pki],
                check=True, capture_output=True,
            )  # fmt: skip

        issue("init", "--province", "42")
        issue("issue", "broker", "--host", "10.97.31.10")
        issue("issue", "edge")
        for kind in ("edge", "bridge"):
            issue("issue", kind, "--commune", "18562")
        issue("issue", "broker", "--commune", "18562", "--host", "10.97.31.11")
        issue("issue", "monitor", "--name", "ioc")
        for gw in ("gw-01", "gw-02"):
            issue("issue", "node", "--commune", "18562", "--name", gw)

    def _inventory(self) -> None:
        (self.inventory / "group_vars").mkdir(parents=True)
        (self.inventory / "hosts.yml").write_text(MACHINES, encoding="utf-8")
        (self.inventory / "group_vars/all.yml").write_text(
            LAB.format(
                here=self.network.here, bundle=self._software, key=self._key.with_suffix(".pub"),
                pki=self.folder / "pki",
            ),
            encoding="utf-8",
        )  # fmt: skip

    def play(self, book: str, *words: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a playbook on the lab's inventory."""
        first = next(iter(self.machines.values()))
        environ = os.environ | {
            "ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg"),
            "ANSIBLE_LOCAL_TEMP": str(self.folder / "ansible"),
            "ANSIBLE_HOST_KEY_CHECKING": "false",
            "ANSIBLE_SSH_ARGS": "-o UserKnownHostsFile=/dev/null -o ControlMaster=auto -o ControlPersist=30s",
            "ANSIBLE_PRIVATE_KEY_FILE": str(first.key),
            "LC_ALL": "C.UTF-8",
        }
        done = subprocess.run(
            [str(ansible() / "ansible-playbook"), "-i", str(self.inventory),
             str(ANSIBLE / f"playbooks/{book}.yml"), *words],
            cwd=ANSIBLE, env=environ, capture_output=True, text=True, check=False, timeout=900,
        )  # fmt: skip
        (self.folder / f"{book}.log").write_text(done.stdout + done.stderr, encoding="utf-8")
        assert not check or done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        return done

    def stored(self, condition: str = "") -> dict[tuple[str, str], set[int]]:
        """Return which numbers of which count are in the province's database; the newest count comes last."""
        script = textwrap.dedent("""
            import json, urllib.parse, urllib.request
            ask = {"db": "communes", "epoch": "ns", "q": "SELECT seq, gw, ep FROM /.*/ CONDITION"}
            url = "http://127.0.0.1:8087/query?" + urllib.parse.urlencode(ask)
            answer = json.load(urllib.request.urlopen(url, timeout=60))
            found, newest = {}, {}
            for series in answer["results"][0].get("series", []):
                where = [series["columns"].index(name) for name in ("time", "gw", "ep", "seq")]
                for row in series["values"]:
                    at, gw, ep, seq = (row[at] for at in where)
                    if seq is not None:  # what an edge itself says has no number
                        found.setdefault(f"{gw} {ep}", set()).add(seq)
                        newest[f"{gw} {ep}"] = max(at, newest.get(f"{gw} {ep}", 0))
            print(json.dumps([[*key.split(), sorted(found[key])] for key in sorted(newest, key=newest.get)]))
        """).replace("CONDITION", condition)
        said = self.machines[PROVINCE].run(f"python3 - <<'PY'\n{script}\nPY").stdout
        return {(gw, ep): set(seqs) for gw, ep, seqs in json.loads(said)}

    def newest(self, gw: str) -> tuple[str, int]:
        """Return the count in which a node numbers now, and the highest number of it in the database."""
        return [(ep, max(seqs)) for (each, ep), seqs in self.stored().items() if each == gw][-1]

    def ask_edge(self, name: str, command: str) -> Any:
        """Return what an `commune edge` command of a machine says as JSON."""
        more = " --url https://localhost:8086" if name == PROVINCE else ""
        said = self.machines[name].run(
            f"SSL_CERT_FILE=/etc/commune/ca.pem commune edge {command} --json{more}", check=False
        )
        return json.loads(said.stdout)

    @contextmanager
    def alone(self, gw: str) -> Iterator[None]:
        """Let the other node be silent meanwhile.

        Two simulated nodes have assets of the same names: what both say in one millisecond is one point.
        So only a node that speaks alone can be counted in the database itself.
        """
        other = self.machines[MARKET if gw == "gw-01" else COMMUNE]
        other.run("systemctl stop commune-node")
        try:
            yield
        finally:
            other.run("systemctl start commune-node")

    def whole(self, gw: str, ep: str, *, beyond: int, more: int = 20, within_s: float = 240.0) -> int:
        """Wait until `more` numbers after `beyond` are in the database without a hole; return the last."""

        def complete() -> int | None:
            which = f"WHERE gw = '{gw}' AND ep = '{ep}' AND seq > {beyond}"
            numbers = self.stored(which).get((gw, ep), set())
            top = max(numbers, default=0)
            return top if len(numbers) >= more and len(numbers) == top - beyond else None

        return until(complete, within_s=within_s, what="all readings to be in the province's database")
