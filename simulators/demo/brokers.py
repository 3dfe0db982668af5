"""The demo's broker: one in Python inside this process, a Mosquitto of our own, or one that already runs."""

import asyncio
import logging
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sensors.errors import ConfigError

log = logging.getLogger(__name__)

_READY_S = 10.0
Address = tuple[str, int]


def free_port() -> int:
    """Return a TCP port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def broker(kind: str, folder: Path) -> Iterator[Address]:
    """Run the broker that `--broker` asks for: embedded, mosquitto or HOST:PORT; yield its address."""
    if kind == "embedded":
        with _embedded() as address:
            yield address
    elif kind == "mosquitto":
        with _mosquitto(folder) as address:
            yield address
    else:
        host, colon, port = kind.rpartition(":")
        if not colon or not port.isdigit() or not host:
            raise ConfigError(f"--broker {kind!r}: write embedded, mosquitto or HOST:PORT")
        yield host, int(port)


@contextmanager
def _embedded() -> Iterator[Address]:
    from amqtt.broker import Broker  # noqa: PLC0415 - an extra that only the demo needs

    logging.getLogger("amqtt").setLevel(logging.CRITICAL)  # it logs a traceback for each client that leaves
    logging.getLogger("transitions").setLevel(logging.CRITICAL)
    address = ("127.0.0.1", free_port())
    ready, failed = threading.Event(), []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    # amqtt lets an exception escape for each client that leaves before it is known
    loop.set_exception_handler(lambda _, context: log.debug("broker: %s", context.get("message")))

    async def serve() -> None:
        server = Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"{address[0]}:{address[1]}"}},
                "plugins": {
                    "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True},
                },
            },
            loop=loop,
        )
        await server.start()
        ready.set()
        await stop.wait()
        await server.shutdown()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:  # ends what the broker leaves running
                runner.run(serve())
        except Exception as error:  # noqa: BLE001 - handed to the thread that waits for us
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="broker", daemon=True)
    thread.start()
    if not ready.wait(_READY_S) or failed:
        raise ConfigError(f"the embedded broker does not start: {failed}")
    try:
        yield address
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(_READY_S)


@contextmanager
def _mosquitto(folder: Path) -> Iterator[Address]:
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise ConfigError("--broker mosquitto: it is not installed; apt install mosquitto, or use embedded")
    port = free_port()
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\n"
    )
    process = subprocess.Popen(  # noqa: S603 - the program was looked up by name just now
        [program, "-c", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(port, process)
        yield "127.0.0.1", port
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    pause = threading.Event()
    for _ in range(int(_READY_S / 0.05)):
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            pause.wait(0.05)
        else:
            return
    raise ConfigError("--broker mosquitto: it does not start; run it by hand to see why")
