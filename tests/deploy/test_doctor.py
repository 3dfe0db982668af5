"""What `commune doctor` says of a machine: every symptom is made to happen, and said in both languages."""

import json
import mmap
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from edge_api import doctor as edge_doctor
from gateway.cli import main
from gateway.doctor import machine, services
from gateway.doctor import node as node_doctor
from gateway.doctor.symptom import SYMPTOMS, Area, Symptom, say
from sensors.errors import IOUnavailable

WELL = {"LoadState": "loaded", "ActiveState": "active", "UnitFileState": "enabled", "NRestarts": "0",
        "MainPID": "0", "User": "root", "StatusText": "broker: open; clock: set"}  # fmt: skip
NODE = '[site]\nprovince = "42"\ncommune = "18562"\ngw = "gw-01"\n'
EDGE = '[site]\nlevel = "commune"\nprovince = "42"\ncommune = "18562"\n'
BUS = (
    '[[device]]\nid = "probe"\ndriver = "modbus-probe"\n'
    'config = {{ port = "{port}", unit = 1, map = "turbidity-hach" }}\n'
)


class Machine:
    """A machine in a folder: its files, what its systemctl says, and what answers on its port."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.units: dict[str, dict[str, str]] = {}
        self.answers: dict[str, tuple[int, object]] = {}
        self.port = 1
        self._server: HTTPServer | None = None
        patch.setattr(services, "show", lambda unit: WELL | self.units.get(unit, {}))
        patch.setattr(machine, "clock", lambda: iter(()))

    def node(self, more: str = "") -> Iterator[Area]:
        file = self.folder / "node.toml"
        file.write_text(f'{NODE}[spool]\npath = "{self.folder}/node.db"\nmin_free = "0B"\n{more}')
        return node_doctor.examine(file)

    def edge(self, more: str = "") -> Iterator[Area]:
        file = self.folder / "edge.toml"
        file.write_text(
            f"{EDGE}[http]\nport = {self.port}\n"
            f'[spool]\npath = "{self.folder}/edge.db"\nmin_free = "0B"\n{more}'
        )
        return edge_doctor.examine(file)

    def answer(self, **answers: tuple[int, object]) -> None:
        told = {f"/{path.replace('_', '/')}": answer for path, answer in answers.items()}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = told.get(self.path, (404, {}))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    made = Machine(tmp_path, monkeypatch)
    yield made
    made.close()


def certificate(folder: Path, days: int) -> Path:
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    end = datetime.now(UTC) + timedelta(days=days)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(end - timedelta(days=900)).not_valid_after(end)
    file = folder / "made.pem"
    file.write_bytes(made.sign(key, None).public_bytes(serialization.Encoding.PEM))
    return file


def certified(here: Machine, days: int) -> Iterator[Area]:
    return here.node(f'[mqtt]\nport = 8883\nca_file = "{certificate(here.folder, days)}"\n')


def unit(here: Machine, **properties: str) -> Iterator[Area]:
    here.units["commune-node.service"] = properties
    return here.node()


def upstream(here: Machine, state: str) -> Iterator[Area]:
    here.answer(
        health=(200, {}), v1_relay=(200, {"upstreams": [{"name": "p", "state": state, "last_error": "no"}]})
    )
    return here.edge()


def areas(symptoms: Iterable[Symptom]) -> list[Area]:
    return [Area("Clock", list(symptoms))]


def nobody(here: Machine) -> Iterator[Area]:
    port = here.folder / "tty"
    port.touch()
    here.units["commune-node.service"] = {"User": "no-such-user"}
    return here.node(BUS.format(port=port))


def stranger(here: Machine) -> Iterator[Area]:
    port = here.folder / "tty"
    port.touch()
    port.chmod(0o600)
    here.units["commune-node.service"] = {"User": "nobody"}
    return here.node(BUS.format(port=port))


def closed_folder(here: Machine) -> Iterator[Area]:
    here.folder.chmod(0o700)
    here.units["commune-node.service"] = {"User": "nobody"}
    return here.node()


def old_release(here: Machine) -> list[Area]:
    loaded = here.folder / "releases/0.9.0/code"
    (here.folder / "releases/1.0.0").mkdir(parents=True)
    loaded.parent.mkdir(parents=True)
    loaded.write_bytes(bytes(4096))
    (here.folder / "current").symlink_to("releases/1.0.0")
    with loaded.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ):
        here.units = {"commune-node.service": {"MainPID": str(os.getpid())}}
        return areas(services.service("commune-node.service", here.folder / "current"))


def no_systemd(here: Machine) -> Iterator[Area]:
    def silent(unit: str) -> dict[str, str]:
        raise services.NoSystemd("not booted with systemd")

    services.show = silent  # the fixture puts the true one back
    return here.node()


def unknown_clock(here: Machine) -> list[Area]:
    def forbidden() -> bool:
        raise IOUnavailable("adjtimex: not permitted")

    return areas(CLOCK(SimpleNamespace(synchronised=forbidden)))


CLOCK = machine.clock
CASES: dict[str, Callable[[Machine], Iterable[Area]]] = {
    "service-missing": lambda here: unit(here, LoadState="not-found"),
    "service-stopped": lambda here: unit(here, ActiveState="failed", Result="exit-code"),
    "service-disabled": lambda here: unit(here, UnitFileState="disabled"),
    "service-restarts": lambda here: unit(here, NRestarts="7"),
    "old-release": old_release,
    "no-systemd": no_systemd,
    "clock-unknown": unknown_clock,
    "disk-full": lambda here: areas(machine.disk(here.folder / "x.db", 10**18, "root")),
    "folder-closed": closed_folder,
    "user-missing": nobody,
    "bus-missing": lambda here: here.node(BUS.format(port="/dev/tty-is-not-there")),
    "bus-closed": stranger,
    "broker-away": lambda here: unit(here, StatusText="broker: refuses the connection; clock: set"),
    "edge-silent": lambda here: here.edge(),
    "edge-unready": lambda here: here.answer(health=(503, {"message": "disk full"})) or here.edge(),
    "edge-closed": lambda here: here.answer(health=(200, {}), v1_relay=(401, {})) or here.edge(),
    "upstream-away": lambda here: upstream(here, "retrying"),
    "upstream-refuses": lambda here: upstream(here, "holding"),
    "secret-wrong": lambda here: here.edge(
        '[[upstream]]\nname = "p"\nurl = "http://127.0.0.1:1"\ntoken_file = "/not/there"\n'
    ),
    "certificate-ended": lambda here: certified(here, -1),
    "certificate-ends": lambda here: certified(here, 3),
    "certificate-unreadable": lambda here: here.node('[mqtt]\nport = 8883\nca_file = "/not/there"\n'),
}


@pytest.mark.parametrize("code", sorted(set(SYMPTOMS) - {"config-wrong"}))  # by the command, below
def test_every_symptom_can_be_met_and_is_said_in_both_languages(here: Machine, code: str) -> None:
    met = {each.code: each for area in CASES[code](here) for each in area.symptoms}
    assert code in met
    english, vietnamese = say(met[code], "en"), say(met[code], "vi")
    assert all(english)
    assert all(ours != theirs for ours, theirs in zip(english, vietnamese, strict=True))


def test_a_machine_that_is_well_has_no_symptoms(here: Machine) -> None:
    here.answer(health=(200, {}), v1_relay=(200, {"upstreams": []}))
    assert [each for area in [*here.node(), *here.edge()] for each in area.symptoms] == []


def test_a_running_node_is_asked_and_not_thrown_out_by_a_second_login(
    here: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_doctor, "_login", lambda _config: pytest.fail("a second login"))
    assert next(area for area in here.node() if area.name == "Way to the broker").symptoms == []


def test_a_link_that_is_being_made_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter(["broker: starting", "broker: starting", "broker: open"])
    monkeypatch.setattr(services, "_AGAIN_S", 0.0)
    monkeypatch.setattr(services, "show", lambda _unit: WELL | {"StatusText": next(said)})
    assert services.broker_state("commune-node.service") == "open"
    monkeypatch.setattr(services, "show", lambda _unit: WELL | {"StatusText": "broker: starting"})
    assert services.broker_state("commune-node.service", patience_s=0.0) == "starting"


def test_while_no_node_runs_the_doctor_logs_in_itself(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    monkeypatch.setattr(node_doctor, "_login", lambda config: tried.append(config.site.gw) or "open")
    codes = [each.code for area in unit(here, ActiveState="inactive") for each in area.symptoms]
    assert (tried, codes) == (["gw-01"], ["service-stopped"])


def test_a_secret_that_systemd_lends_only_to_a_running_service_is_no_fault(
    here: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "CREDENTIALS", here.folder)
    secret = f"{here.folder}/commune.service/secret"
    here.units["commune-node.service"] = {"ActiveState": "inactive"}
    node = here.node(f'[mqtt]\nusername = "n"\npassword_file = "{secret}"\n')
    edge = here.edge(f'[[upstream]]\nname = "p"\nurl = "http://127.0.0.1:1"\ntoken_file = "{secret}"\n')
    codes = [each.code for areas in (node, edge) for area in areas for each in area.symptoms]
    assert codes == ["service-stopped", "edge-silent", "upstream-away"]


def test_a_login_at_a_port_where_nobody_listens_says_so(here: Machine) -> None:
    met = [each for area in unit(here, ActiveState="inactive") for each in area.symptoms]
    away = next(each for each in met if each.code == "broker-away")
    assert "refused" in str(away.facts["detail"])


def doctor(folder: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["doctor", "--folder", str(folder), *words])
    return done.exit_code, done.output


def test_a_wrong_configuration_ends_with_two_and_names_file_and_key(here: Machine) -> None:
    (here.folder / "node.toml").write_text(NODE + "colour = 1\n")
    code, said = doctor(here.folder, "--json", "--lang", "en")
    (met,) = [each for each in json.loads(said)["symptoms"] if each["code"] == "config-wrong"]
    assert code == 2
    assert "node.toml" in met["wrong"]
    assert "colour" in met["wrong"]


def test_a_folder_without_any_configuration_is_wrong_usage(tmp_path: Path) -> None:
    code, said = doctor(tmp_path)
    assert code == 2
    assert "neither node.toml nor edge.toml" in said


def test_what_does_not_work_ends_with_one_and_says_in_vietnamese_what_to_do(here: Machine) -> None:
    list(here.edge())  # writes edge.toml
    code, said = doctor(here.folder)
    assert code == 1
    assert "✗ Trạm biên trả lời: Trạm biên không trả lời" in said
    assert "→ Xem lý do: journalctl -u commune-edge" in said


def test_doubts_alone_end_with_nought(here: Machine) -> None:
    here.answer(health=(200, {}), v1_relay=(401, {}))
    list(here.edge())
    code, said = doctor(here.folder, "--json")
    assert (code, json.loads(said)["ok"]) == (0, True)
    assert [each["severity"] for each in json.loads(said)["symptoms"]] == ["uncertain"]
