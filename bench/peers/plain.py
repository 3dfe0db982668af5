"""The program that people write: paho, a table of readings in SQLModel, Points by influxdb-client.

Written with care, not to look slow: readings are stored and sent a thousand at a time, and deleted when the
database has them. paho acknowledges when a message has been heard, which is before it is stored.
"""

import argparse
import json
import queue
import threading
from typing import Any

from influxdb_client import InfluxDBClient, Point
from influxdb_client.client.write_api import SYNCHRONOUS
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from sqlalchemy import event
from sqlmodel import Field, Session, SQLModel, col, create_engine, delete, select

_MANY = 1_000
_AGAIN_S = 0.2


class Reading(SQLModel, table=True):
    """One message that has not been sent yet."""

    id: int | None = Field(default=None, primary_key=True)
    topic: str
    body: str


def point(topic: str, text: str) -> Point:
    """Make the point of a message."""
    _, _, province, commune, domain, asset, _ = topic.split("/")
    body = json.loads(text)
    made = Point(body.pop("type")).time(body.pop("ts"))
    body.pop("v")
    tags = {"province": province, "commune": commune, "domain": domain, "asset": asset}
    for name, value in tags.items():
        made.tag(name, value)
    for name, value in body.items():
        made.field(name, float(value) if isinstance(value, int) and name != "seq" else value)
    return made


def main() -> None:  # noqa: C901 - in one piece, as such programs are
    """Take in, store, send, for ever."""
    ask = argparse.ArgumentParser()
    for name in ("broker", "upstream", "file"):
        ask.add_argument(f"--{name}", required=True)
    it = ask.parse_args()
    engine = create_engine(f"sqlite:///{it.file}")
    event.listen(engine, "connect", lambda db, _: db.execute("PRAGMA journal_mode = WAL"))
    SQLModel.metadata.create_all(engine)
    heard: queue.SimpleQueue[Reading] = queue.SimpleQueue()

    def store() -> None:
        while True:
            rows = [heard.get()]
            while len(rows) < _MANY and not heard.empty():
                rows.append(heard.get())
            with Session(engine) as session:
                session.add_all(rows)
                session.commit()

    def send() -> None:
        database = InfluxDBClient(it.upstream, token="none", org="commune", enable_gzip=True)
        writing = database.write_api(write_options=SYNCHRONOUS)
        while True:
            with Session(engine) as session:
                rows = session.exec(select(Reading).order_by(col(Reading.id)).limit(_MANY)).all()
                if not rows:
                    pause.wait(_AGAIN_S)
                    continue
                try:
                    writing.write("commune", record=[point(row.topic, row.body) for row in rows])
                except Exception as error:  # noqa: BLE001 - as they do
                    print(error, flush=True)
                    pause.wait(1)
                    continue
                session.exec(delete(Reading).where(col(Reading.id) <= rows[-1].id))
                session.commit()

    def listen(client: Client, *_: Any) -> None:
        client.subscribe("ntm/v1/#", 1)

    pause = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, client_id="plain", protocol=MQTTv5)
    client.on_connect = listen
    client.on_message = lambda _, __, m: heard.put(Reading(topic=m.topic, body=m.payload.decode()))
    session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    session.SessionExpiryInterval = 86_400
    session.ReceiveMaximum = 20_000
    host, _, port = it.broker.partition(":")
    client.connect(host, int(port), clean_start=False, properties=session)
    for work in (store, send):
        threading.Thread(target=work, daemon=True).start()
    client.loop_forever()


if __name__ == "__main__":
    main()
