"""What samples mean for the node itself; what the node knows of its spool and clock it adds on its own."""

from collections.abc import Mapping
from typing import ClassVar

from sensors.assets.fold import Fold
from sensors.assets.moment import NOWHERE, Moment
from sensors.sample import Observation, Sample
from sensors.settings import Settings


class Device:
    """The machine that a node runs on."""

    type: ClassVar[str] = "Device"
    inputs: ClassVar[tuple[str, ...]] = ("cpuTemperature", "diskFree", "batteryLevel", "rssi")
    needs: ClassVar[tuple[str, ...]] = ()

    class Config(Settings, frozen=True):
        """Nothing to set."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def combine(self, samples: Mapping[str, Sample], moment: Moment = NOWHERE) -> Observation:  # noqa: ARG002
        """Return each wired input as the field of the same name: C, GB, percent, dBm."""
        fold = Fold(samples)
        for name in self.inputs:
            fold.take(name, name)
        return fold.observation()
