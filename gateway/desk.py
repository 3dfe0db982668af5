"""The desk of a running node: it owns the hardware, so whoever wants to look at a device asks here.

A thread for the door and one for each caller, few of them. A device is only touched on its bus's thread.
"""

import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from gateway.check.certificate import certify, page
from gateway.check.checking import Visits, check
from gateway.check.look import Place
from gateway.check.machine import this_machine
from gateway.check.reasoning import Machine
from gateway.config import NodeConfig
from gateway.feed.desk import (
    LONGEST_ANSWER,
    LONGEST_LINE,
    Answer,
    Ask,
    Certified,
    Checked,
    Claim,
    Done,
    Refused,
    Wired,
)
from gateway.underway import Underway
from sensors.calibration import Calibrations
from sensors.errors import ConfigError
from sensors.header import pin_of
from sensors.io import Clock
from sensors.text import said, speaking

CALLERS = 4  # a technician, a page, and two that forgot to hang up
QUESTIONS = 1000  # of one caller; then it may call again
QUIET_S = 60.0  # a caller that asks nothing for so long has gone
HEARD_OUT_S = 0.5  # for what a caller says that is sent away
MODE = 0o660  # the node's user and group, as of its devices

log = logging.getLogger(__name__)


class Desk:
    """A unix socket where one JSON line asks and some answer."""

    def __init__(
        self,
        path: Path,
        config: NodeConfig,
        visits: Visits,
        clock: Clock,
        machine: Callable[[], Machine] = this_machine,
    ) -> None:
        """Open the socket; raise ConfigError when another process has it, or the folder is not writable."""
        self._path = path
        self._config = config
        self._visits = visits
        self._machine = machine
        self._clock = clock
        self._underway = Underway(config, visits, clock)
        self._checking = threading.Lock()  # two checks at once would only wait for each other
        self._callers: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._door = _opened(path)
        self._thread = threading.Thread(target=self._serve, name="desk", daemon=True)

    def start(self) -> None:
        """Let callers in."""
        self._thread.start()

    def stop(self) -> None:
        """Send all callers away and take the socket down."""
        with self._lock:
            self._closed = True
            callers = list(self._callers)
        for each in (self._door, *callers):
            with contextlib.suppress(OSError):  # it hung up just now
                each.shutdown(socket.SHUT_RDWR)
        if self._thread.is_alive():
            self._thread.join()
        self._door.close()
        self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self._door.accept()
            except OSError:
                if self._closed:
                    return
                log.exception("the desk cannot take a caller")
                continue
            caller.settimeout(QUIET_S)
            with self._lock:
                full = len(self._callers) >= CALLERS or self._closed
                if not full:
                    self._callers.add(caller)
            if full:
                with caller, contextlib.suppress(OSError):
                    _send(
                        caller,
                        Refused(f"{CALLERS} callers are here already; try again in a minute"),
                    )
                    caller.shutdown(socket.SHUT_WR)
                    caller.settimeout(HEARD_OUT_S)
                    caller.recv(LONGEST_LINE)  # a question left unread would take our answer away with it
                continue
            threading.Thread(target=self._attend, args=(caller,), name="desk-caller", daemon=True).start()

    def _attend(self, caller: socket.socket) -> None:
        try:
            with caller, contextlib.suppress(OSError):  # a caller that hangs up or falls silent is no fault
                for line in _lines(caller):
                    for answer in self._answers(line):
                        _send(caller, answer)
        finally:
            with self._lock:
                self._callers.discard(caller)

    def _answers(self, line: bytes) -> Iterator[Answer]:
        try:
            ask = msgspec.json.decode(line, type=Ask)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            yield Refused(f"not understood: {error}")
            return
        try:
            with speaking(ask.lang):
                yield from self._answer(ask)
        except KeyError:
            known = ", ".join(each.id for each in self._config.devices)
            with speaking(ask.lang):
                none = said(
                    "there is no device {device!r}; there are: {known}", device=ask.device, known=known
                )
            yield Refused(none)
        except Exception as error:
            # A caller must not end the desk, and deserves an answer; the journal has the trace.
            log.exception("the desk cannot answer %s", ask.do)
            yield Refused(f"{type(error).__name__}: {error}")

    def _answer(self, ask: Ask) -> Iterator[Answer]:
        if ask.do in ("devices", "wiring"):
            yield from wired(self._config, ask.device)
            yield Done()
            return
        if ask.do in ("calibrate", "calibrations", "targets"):
            yield from self._underway.asked(ask)
            return
        if not self._checking.acquire(timeout=QUIET_S / 2):
            yield Refused(said("another check is under way; try again in a minute"))
            return
        try:
            answers = check(self._config, self._visits, self._machine(), device=ask.device, lang=ask.lang)
            yield from self._certified(answers, ask) if ask.do == "certificate" else answers
        finally:
            self._checking.release()

    def _certified(self, answers: Iterable[Answer], ask: Ask) -> Iterator[Answer]:
        """Pass a check on, and before its end the certificate of what it found."""
        found = []
        for answer in answers:
            if isinstance(answer, Checked):
                found.append(answer)
            if isinstance(answer, Done):
                made = certify(
                    self._config,
                    found,
                    Calibrations(self._config.calibrations).records,
                    who=ask.who,
                    wall_ns=self._clock.wall_ns(),
                    clock_set=self._clock.synchronised(),
                )
                yield Certified(msgspec.Raw(msgspec.json.encode(made)), page(made, ask.lang))
            yield answer


def wired(config: NodeConfig, device: str = "") -> Iterator[Wired]:
    """Yield how one device or all are wired; raise KeyError for no such device."""
    found = [each for each in config.devices if device in ("", each.id)]
    if device and not found:
        raise KeyError(device)
    for each in found:
        place = Place.of(each)
        lines = [Claim(key, line, pin_of(line)) for key, line in place.lines]
        yield Wired(place.device, place.driver, place.bus, place.port, place.unit, lines)


def ask(path: Path, question: Ask) -> Iterator[Answer]:
    """Ask a running node; raise OSError when none is there, or it hangs up before the last answer."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(QUIET_S)
        line.connect(str(path))
        line.sendall(msgspec.json.encode(question) + b"\n")
        for each in _lines(line, LONGEST_ANSWER):
            answer: Answer = msgspec.json.decode(each, type=Answer)
            yield answer
            if isinstance(answer, Done | Refused):
                return
    raise ConnectionResetError(f"{path}: the node hung up in the middle of an answer")


def _opened(path: Path) -> socket.socket:
    door = socket.socket(socket.AF_UNIX)
    try:
        if path.is_socket():
            _remove_dead(path)
        door.bind(str(path))
        path.chmod(MODE)
        door.listen(CALLERS)  # before this nobody is let in
    except OSError as error:
        door.close()
        raise ConfigError(
            said("[desk] socket: {path} cannot be made: {error}", path=path, error=error)
        ) from error
    return door


def _remove_dead(path: Path) -> None:
    """Remove a socket that a power cut has left behind; raise OSError when somebody serves it."""
    with socket.socket(socket.AF_UNIX) as probe:
        if probe.connect_ex(str(path)) == 0:
            raise FileExistsError("another process serves it; stop that one")
    path.unlink()


def _lines(line: socket.socket, longest: int = LONGEST_LINE) -> Iterator[bytes]:
    """Yield the lines that come in, none longer than `longest`, so that nobody fills the memory."""
    waiting = b""
    for _number in range(QUESTIONS):
        while b"\n" not in waiting:
            if len(waiting) > longest:
                return
            more = line.recv(4096)
            if not more:
                return
            waiting += more
        one, _newline, waiting = waiting.partition(b"\n")
        yield one


def _send(line: socket.socket, answer: Answer) -> None:
    line.sendall(msgspec.json.encode(answer) + b"\n")
