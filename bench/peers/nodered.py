"""A Node-RED flow as its users tune it: one function node makes lines and batches them, one request a batch.

The readings are in the memory of the function node until the database has answered; a batch that was not
taken goes back to the front. mqtt.js acknowledges a message when the node has been handed it.
"""

import json
from pathlib import Path

_TAKE = r"""
const it = msg.payload, at = msg.topic.split('/');
let tags = `,asset=${at[5]},commune=${at[3]},domain=${at[4]},province=${at[2]} `, fields = [];
for (const key in it) {
  if (key === 'v' || key === 'ts' || key === 'type') continue;
  const value = it[key];
  const text = typeof value === 'string';
  fields.push(key + '=' + (key === 'seq' ? value + 'i' : text ? '"' + value + '"' : value));
}
lines.push(it.type + tags + fields.join(',') + ' ' + Date.parse(it.ts));
if (lines.length >= 5000) flush();
return null;
"""


_FUNCTION = (
    r"""
const state = context.get('state') || (() => {
  const made = { lines: [], busy: false };
  made.flush = () => {
    if (made.busy || !made.lines.length) return;
    made.busy = true;
    made.batch = made.lines.splice(0, 5000);
    node.send({ payload: global.get('zlib').gzipSync(made.batch.join('\n') + '\n', { level: 1 }),
                headers: { 'content-encoding': 'gzip', 'content-type': 'text/plain' } });
  };
  setInterval(made.flush, 100);
  context.set('state', made);
  return made;
})();
if (msg.statusCode !== undefined) {
  if (msg.statusCode !== 204) state.lines = state.batch.concat(state.lines);
  state.busy = false;
  if (msg.statusCode === 204 && state.lines.length >= 5000) state.flush();
  return null;
}
const lines = state.lines, flush = state.flush;
"""
    + _TAKE
)

_SETTINGS = """
module.exports = {{ uiHost: '127.0.0.1', uiPort: {port}, httpAdminRoot: false, httpNodeRoot: false,
  functionGlobalContext: {{ zlib: require('zlib') }}, logging: {{ console: {{ level: 'warn' }} }} }};
"""


def write(folder: Path, broker: int, upstream: int, port: int) -> list[str]:
    """Write flow and settings into a folder; return Node-RED's arguments."""
    common = {"z": "tab", "x": 0, "y": 0}
    url = f"http://127.0.0.1:{upstream}/api/v2/write?org=commune&bucket=commune&precision=ms"
    flow = [
        {"id": "tab", "type": "tab", "label": "feed to database"},
        {
            "id": "broker",
            "type": "mqtt-broker",
            "broker": "127.0.0.1",
            "port": str(broker),
            "clientid": "nodered",
            "protocolVersion": "5",
            "cleansession": False,
            "sessionExpiry": "86400",
            "keepalive": "60",
            "autoConnect": True,
        },
        {
            **common,
            "id": "in",
            "type": "mqtt in",
            "topic": "ntm/v1/+/+/+/+/telemetry",
            "qos": "1",
            "datatype": "json",
            "broker": "broker",
            "inputs": 0,
            "wires": [["lines"]],
        },
        {
            **common,
            "id": "lines",
            "type": "function",
            "func": _FUNCTION,
            "outputs": 1,
            "noerr": 0,
            "wires": [["write"]],
        },
        {
            **common,
            "id": "write",
            "type": "http request",
            "method": "POST",
            "ret": "txt",
            "url": url,
            "persist": True,
            "senderr": False,
            "wires": [["lines"]],
        },
    ]
    (folder / "flow.json").write_text(json.dumps(flow))
    (folder / "settings.js").write_text(_SETTINGS.format(port=port))
    return ["-u", str(folder), "-s", str(folder / "settings.js"), str(folder / "flow.json")]
