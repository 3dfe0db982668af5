"""One point as InfluxDB knows it: measurement, tag set, time and fields; what ingest hands on."""

from dataclasses import dataclass

from sensors.sample import Value


@dataclass(frozen=True, slots=True)
class Point:
    """A reading or an alert. `tags` are province, commune, domain, asset (and kind); `ts_ns` is UTC."""

    measurement: str
    tags: dict[str, str]
    ts_ns: int
    fields: dict[str, Value]
