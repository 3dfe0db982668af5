"""What samples mean for the node itself; what the node knows of its spool and clock it adds on its own."""

from collections.abc import Mapping
from typing import ClassVar

from sensors.assets.fold import Fold
from sensors.assets.moment import NOWHERE, Moment
from sensors.sample import Observation, Sample
from sensors.settings import Settings

SHOWN_BY_FEW = frozenset({"underVoltage", "cardWear"})


class Device:
    """The machine that a node runs on."""

    type: ClassVar[str] = "Device"
    inputs: ClassVar[tuple[str, ...]] = (
        "cpuTemperature", "diskFree", "batteryLevel", "rssi", "underVoltage", "cardWear",
    )  # fmt: skip
    needs: ClassVar[tuple[str, ...]] = ()

    class Config(Settings, frozen=True):
        """Nothing to set."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def combine(self, samples: Mapping[str, Sample], moment: Moment = NOWHERE) -> Observation:  # noqa: ARG002
        """Return each wired input as the field of the same name: C, GB, percent, dBm, true, 0..1.

        A machine that does not show its supply or its card is well all the same: such a field is left out.
        """
        fold = Fold(samples)
        for name in self.inputs:
            sample = samples.get(name)
            if name in SHOWN_BY_FEW and sample is not None and sample.reason == "no-value":
                continue
            fold.take(name, name, bool if name == "underVoltage" else None)
        return fold.observation()
