"""mosquitto.conf for a commune's or a province's broker, with the settings that keep data through an outage.

The figures are measured: by default Mosquitto keeps 1,000 messages for a client that is away and drops the
rest, and after a power cut nothing is left of what it had acknowledged.
"""

from collections.abc import Iterator

from edge_api.broker.acl import UP
from edge_api.broker.settings import Bridge, Broker
from gateway.feed.topics import ROOT

LARGEST_BODY = 65_536  # bytes; the largest body of the feed is a small part of it
_QUEUED = 1_000_000  # messages; the bytes are what counts
_INFLIGHT = 1_000
_CHANGES = 1_000  # messages between two savings: what a power cut can cost of the broker's memory
_CONNECTIONS = 1_000
_LONGEST_SILENCE_S = 600


def mosquitto_conf(broker: Broker, province: str, commune: str) -> str:
    """Return the whole mosquitto.conf; it takes the place of /etc/mosquitto/mosquitto.conf."""
    lines = [
        "# Written by `commune edge broker` from edge.toml: change it there, and write it anew.",
        "per_listener_settings false",
        "allow_anonymous false",
        f"acl_file {broker.folder}/acl",
        "allow_zero_length_clientid false",
        "",
        f"listener {broker.port} {broker.host}",
        f"cafile {broker.ca_file}",
        f"certfile {broker.cert_file}",
        f"keyfile {broker.key_file}",
        *([f"crlfile {broker.crl_file}"] if broker.crl_file else []),
        "tls_version tlsv1.2",
        "require_certificate true",
        "use_identity_as_username true",
        "# Nobody takes over another's session by calling itself like it.",
        "use_username_as_clientid true",
        f"max_connections {_CONNECTIONS}",
        "",
        f"max_keepalive {_LONGEST_SILENCE_S}",
        f"message_size_limit {LARGEST_BODY}",
        f"max_inflight_messages {_INFLIGHT}",
        f"max_queued_messages {_QUEUED}",
        f"max_queued_bytes {int(broker.max_queued)}",
        "persistent_client_expiration 14d",
        "persistence true",
        f"persistence_location {broker.store}/",
        "autosave_on_changes true",
        f"autosave_interval {_CHANGES}",
        "",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "log_type notice",
    ]
    if broker.bridge is not None:
        lines += ["", *_bridge(broker.bridge, province, commune)]
    return "\n".join(lines) + "\n"


def _bridge(bridge: Bridge, province: str, commune: str) -> Iterator[str]:
    """Copy the feed to the broker above, and take commands from it if it may; nothing else passes."""
    place = f"{ROOT}/{province}/{commune}"
    yield "connection province"
    yield f"address {bridge.host}:{bridge.port}"
    yield f"bridge_cafile {bridge.ca_file}"
    yield f"bridge_certfile {bridge.cert_file}"
    yield f"bridge_keyfile {bridge.key_file}"
    yield "bridge_insecure false"
    yield "bridge_tls_version tlsv1.2"
    yield "bridge_protocol_version mqttv50"
    yield f"remote_clientid {province}-{commune}-bridge"
    yield f"local_clientid {province}-{commune}-bridge-here"
    yield "cleansession false"
    yield "notifications false"
    yield "keepalive_interval 30"
    yield "restart_timeout 5 60"
    for channel in UP:
        yield f"topic {place}/+/+/{channel} out 1"
    if bridge.commands:
        yield f"topic {place}/lighting/+/cmd in 1"
        yield f"topic {place}/lighting/+/ack out 1"
