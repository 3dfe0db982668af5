"""Where a check comes from: the running node, which owns the hardware, or else this process itself."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from gateway.check.checking import Source, check
from gateway.check.reasoning import Machine
from gateway.config import NodeConfig
from gateway.desk import ask
from gateway.feed.desk import Answer, Ask, Lang
from gateway.runner import Runner
from gateway.spool.file import beside
from gateway.spool.lock import LOCK
from sensors.errors import ConfigError
from sensors.io import IO
from sensors.text import said, why


def desk(config: NodeConfig) -> Path | None:
    """Return the desk of the node that runs with this configuration; None when none runs."""
    path = config.desk.socket
    if path is None or not path.is_socket():
        return None
    try:
        for _answer in ask(path, Ask("devices")):
            pass
    except PermissionError as error:
        raise ConfigError(
            said("[desk] socket: {path}: {why}; use sudo, or join its group", path=path, why=why(error))
        ) from error
    except ConnectionRefusedError:
        return None  # left behind by a power cut
    return path


def running(config: NodeConfig) -> Source | None:
    """Return what checks at a running node's desk; None when none runs."""
    path = desk(config)
    return None if path is None else partial(_asked, path)


@contextmanager
def own(config: NodeConfig, io: IO, machine: Machine) -> Iterator[Source]:
    """Open the hardware for this check; raise ConfigError while a node without a desk runs on it."""
    with opened(config, io) as runner:
        yield lambda device, lang: check(config, runner, machine, device=device, lang=lang)


@contextmanager
def opened(config: NodeConfig, io: IO) -> Iterator[Runner]:
    """Open the hardware; raise ConfigError while a node without a desk runs on it."""
    with _kept_free(config.spool.path):
        runner = Runner(config, io, lambda _reading: None)
        runner.start(schedule=False)
        try:
            yield runner
        finally:
            runner.stop()
            io.close()


def _asked(path: Path, device: str, lang: Lang) -> Iterator[Answer]:
    return ask(path, Ask("check", device, lang))


@contextmanager
def _kept_free(spool: Path) -> Iterator[None]:
    """Keep a node from starting meanwhile: two masters on one serial line spoil each other's answers."""
    try:
        handle = beside(spool, LOCK).open("rb")
    except FileNotFoundError:
        yield  # no node has ever run here
        return
    except OSError as error:
        raise ConfigError(
            said("[spool] path: {spool}: {why}; run as the node's user", spool=spool, why=why(error))
        ) from error
    with handle:
        try:
            fcntl.lockf(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(
                said("the node is running and has no desk: give it [desk] socket, or stop it meanwhile")
            ) from None
        yield
