"""Register maps of Modbus probes: what is where and how it is written, and the maps that ship with us."""

import struct
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from sensors.errors import ConfigError
from sensors.settings import Settings, convert, did_you_mean, not_toml
from sensors.text import said, why

Kind = Literal["u16", "s16", "u32", "s32", "f32"]
Order = Literal["ABCD", "CDAB", "BADC", "DCBA"]
MAPS = Path(__file__).parent / "maps"
Address = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]

_FORMS = {"u16": ">H", "s16": ">h", "u32": ">I", "s32": ">i", "f32": ">f"}


class Register(Settings, frozen=True):
    """One quantity: where it is, how it is written, and what it may be.

    value = raw * scale + offset, in `unit` (a UN/CEFACT code). `order` is that of the bytes: ABCD is high
    word and high byte first, CDAB low word first. Outside [min, max] it is `outside`. After `stuck` equal
    raw readings it is uncertain; 0 means never. A raw value of `invalid` is how the device says that it has
    none.
    """

    metric: str
    address: Address
    unit: str
    function: Literal[3, 4] = 3
    type: Kind = "u16"
    order: Order = "ABCD"
    scale: float = 1.0
    offset: float = 0.0
    min: float = -float("inf")
    max: float = float("inf")
    outside: Literal["uncertain", "bad"] = "bad"
    stuck: Annotated[int, msgspec.Meta(ge=0)] = 0
    invalid: float | None = None

    @property
    def words(self) -> int:
        """How many 16-bit registers it takes."""
        return 1 if self.type in ("u16", "s16") else 2


class RegisterMap(Settings, frozen=True):
    """A map file: the device, where its table is printed, its speed as delivered, and its registers.

    `grade` is "maker" when the table is the maker's own, "common" when many makers' devices share it: then
    compare.
    """

    device: str
    source: str
    registers: Annotated[tuple[Register, ...], msgspec.Meta(min_length=1)]
    grade: Literal["maker", "common"] = "maker"
    delivered: str = ""


def decode(words: Sequence[int], kind: Kind, order: Order = "ABCD") -> float:
    """Return the number that one or two registers stand for; a 16-bit type knows only AB and BA."""
    data = struct.pack(f">{len(words)}H", *words)
    if order in ("BADC", "DCBA"):
        data = b"".join(data[at : at + 2][::-1] for at in range(0, len(data), 2))
    if order in ("CDAB", "DCBA"):
        data = data[2:] + data[:2]
    return float(struct.unpack(_FORMS[kind], data)[0])


def shipped() -> list[str]:
    """Return the names of the maps that ship with us, sorted."""
    return sorted(each.stem for each in MAPS.glob("*.toml"))


def load_map(name: str) -> RegisterMap:
    """Read a shipped map by its name, or a file of one's own by its path; raise ConfigError."""
    path = Path(name) if name.endswith(".toml") else MAPS / f"{name}.toml"
    if path.parent == MAPS and path.stem not in shipped():
        raise ConfigError(
            said(
                "map: no map {name!r}{hint}; there are: {known}",
                name=name,
                hint=did_you_mean(name, shipped()),
                known=", ".join(shipped()),
            )
        )
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"map: {path}: " + said("cannot be read: {why}", why=why(error))) from None
    except ValueError as error:
        raise ConfigError(f"map: {path}: {not_toml(error)}") from None
    return convert(table, RegisterMap, f"map: {path}: ")
