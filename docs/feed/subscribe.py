"""Prints every new state of a commune's assets with its units: python subscribe.py [HOST [PORT [TOPIC]]]."""

import json
import sys

from paho.mqtt.client import CallbackAPIVersion, Client, MQTTMessage, MQTTv5

HEAD = {"v", "type", "ts", "gw", "ep", "seq", "q", "qr", "hist", "raw"}
host, port, topic = (sys.argv[1:] + ["localhost", "1883", "ntm/v1/+/+/+/+"][len(sys.argv) - 1 :])[:3]
units: dict[str, dict[str, str]] = {}


def heard(_client: Client, _data: object, message: MQTTMessage) -> None:
    """Learn units from meta, and print states with them; a key that is not known is ignored."""
    asset, _, channel = message.topic.rpartition("/")
    body = json.loads(message.payload or b"{}")  # an empty body takes a retained topic back
    if channel == "meta":
        units[asset] = body.get("units", {})
        return
    known = units.get(asset, {})
    for field in sorted(body.keys() - HEAD):
        print(asset, body["ts"], field, body[field], known.get(field, "-"), body["q"], flush=True)
    for pair in body.get("qr", "").split():
        print(asset, body["ts"], *pair.split(":"), "-", body["q"], flush=True)


client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
client.on_connect = lambda *_: client.subscribe([(f"{topic}/meta", 1), (f"{topic}/state", 1)])
client.on_message = heard
client.connect(host, int(port))
client.loop_forever()
