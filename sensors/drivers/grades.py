"""What each driver has to show for itself: read from checklist.toml, which a test holds it to."""

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Literal

from sensors.settings import Settings, convert

CHECKLIST = Path(__file__).with_name("checklist.toml")


class Marks(Settings, frozen=True):
    """One driver's marks. `grade` is what it is fit for; a demo driver names what to take `instead`.

    `diagnose`: it can say which wire is wrong. `faults`: its simulated signal can have faults. A text
    instead of true says why it need not. `on_a_pi`: somebody has run it on real hardware.
    """

    grade: Literal["field", "demo"]
    diagnose: bool | str
    faults: bool | str
    on_a_pi: bool
    instead: str = ""

    @property
    def tier(self) -> str:
        """Gold has run on a Pi, silver has all marks but that, bronze only passes the suite."""
        if self.diagnose is False or self.faults is False:
            return "bronze"
        return "gold" if self.on_a_pi else "silver"


@lru_cache(maxsize=1)
def grades() -> dict[str, Marks]:
    """Return the marks of our own drivers by name; raise ConfigError when the file is wrong."""
    table = tomllib.loads(CHECKLIST.read_text(encoding="utf-8"))
    return {name: convert(marks, Marks, f"{CHECKLIST.name}: [{name}] ") for name, marks in table.items()}
