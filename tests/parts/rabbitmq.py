"""Because a province's broker must outlive a machine: a cluster of RabbitMQ nodes, each with an address."""

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from tests.parts.ports import free_port
from tests.parts.process import Part

SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"
CLUSTER_S = 180.0  # a virtual machine of Erlang and a vote, on two loaded cores

ROLE = Path(__file__).parents[2] / "deploy/ansible/roles/rabbitmq"


class Epmd(Part):
    """Erlang's port mapper, where the nodes of one cluster find each other; not the machine's own."""

    program: ClassVar[str] = "epmd"

    def __init__(self, hosts: Sequence[str]) -> None:
        super().__init__()
        self.hosts = hosts

    def arguments(self) -> list[str]:
        return ["-port", str(self.port), "-address", ",".join(self.hosts)]

    def ready(self) -> bool:
        return _listens(self.hosts[0], self.port)


class RabbitMQ(Part):
    """One node of a cluster; `settings` go to rabbitmq.conf as they are."""

    program: ClassVar[str] = "env"

    def __init__(self, host: str, hosts: Sequence[str], epmd: Epmd, settings: str) -> None:
        super().__init__()
        self.host, self.hosts, self.epmd, self.settings = host, hosts, epmd, settings
        self.distribution_port = free_port()

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def arguments(self) -> list[str]:
        nodes = "".join(
            f"cluster_formation.classic_config.nodes.{number} = rabbit-{number}@{host}\n"
            for number, host in enumerate(self.hosts, 1)
        )
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp = none\nmqtt.listeners.tcp.1 = {self.address}\nmqtt.allow_anonymous = true\n"
            f"cluster_formation.peer_discovery_backend = classic_config\n{nodes}{self.settings}"
        )
        (self.folder / "plugins").write_text("[rabbitmq_mqtt].\n")
        interface = ",".join(self.host.split("."))
        facts = {
            "HOME": self.folder,
            "RUNNING_UNDER_SYSTEMD": 1,  # no shell in between: the process is the node
            "ERL_EPMD_PORT": self.epmd.port,
            "RABBITMQ_USE_LONGNAME": "true",
            "RABBITMQ_NODENAME": f"rabbit-{self.hosts.index(self.host) + 1}@{self.host}",
            "RABBITMQ_DIST_PORT": self.distribution_port,
            "RABBITMQ_MNESIA_BASE": self.folder / "data",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": self.folder / "rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": self.folder / "plugins",
            "RABBITMQ_PID_FILE": self.folder / "pid",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                f"-setcookie tests -start_epmd false -kernel inet_dist_use_interface {{{interface}}}"
            ),
        }
        return [*(f"{name}={value}" for name, value in facts.items()), SERVER]

    def ready(self) -> bool:
        """Nothing yet: nodes of a new cluster wait for each other; see `answers`."""
        return True

    def answers(self) -> bool:
        """Tell whether it takes connections."""
        if not self.running:
            raise RuntimeError(f"{self.host} has ended:\n{self.log[-2000:]}")
        return _listens(self.host, self.port)


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
