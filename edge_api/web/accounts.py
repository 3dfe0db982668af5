"""Who may log in at the page: names, roles and scrypt hashes in one file that only its owner may read."""

import hmac
import os
import secrets
import threading
from hashlib import scrypt
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from sensors.errors import ConfigError
from sensors.secrets import read_secret

__all__ = ["LEAST_PASSWORD", "Account", "Accounts", "Role", "set_password"]

Role = Literal["read", "admin"]
LEAST_PASSWORD = 10  # letters: with ten attempts a minute and address nobody guesses that

# RFC 7914 names N = 2^14, r = 8, p = 1 for logins: 16 MB and some 0.1 s on a Pi 4, given back at once.
_N, _R, _P = 2**14, 8, 1
_MOST_PASSWORD = 1000


class Account(msgspec.Struct, frozen=True):
    """One person: the role, and salt and scrypt hash of the password as hex."""

    role: Role
    salt: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
    hash: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


_decode = msgspec.json.Decoder(dict[str, Account]).decode
_NOBODY = Account("read", "00" * 16, "00" * 32)


class Accounts:
    """The accounts of a file, read anew whenever somebody logs in: a new password needs no restart."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._one = threading.Lock()  # hashes cost memory: one at a time

    @property
    def any(self) -> bool:
        """Whether anybody can log in."""
        return self._path is not None and self._path.exists()

    def role(self, name: str, password: str) -> Role | None:
        """Return the role of who knows the password; None takes as long. Raises ConfigError."""
        found = _read(self._path).get(name) if self._path is not None and self._path.exists() else None
        account = found or _NOBODY
        with self._one:
            right = hmac.compare_digest(_hash(password[:_MOST_PASSWORD], account.salt), account.hash)
        return account.role if found is not None and right else None


def set_password(path: Path, name: str, role: Role, password: str) -> None:
    """Write or replace one account; raise ConfigError for a short password or a file that cannot be used."""
    if len(password) < LEAST_PASSWORD:
        raise ConfigError(f"the password is too short: {LEAST_PASSWORD} letters at least")
    if len(password) > _MOST_PASSWORD:
        raise ConfigError(f"the password is too long: {_MOST_PASSWORD} letters at most")
    accounts = _read(path) if path.exists() else {}
    salt = secrets.token_hex(16)
    accounts[name] = Account(role, salt, _hash(password, salt))
    part = path.with_name(path.name + ".part")
    try:
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.encode(accounts) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if path.exists():  # the edge's user keeps it, whoever changes the password
            owner = path.stat()
            if (owner.st_uid, owner.st_gid) != (os.getuid(), os.getgid()):
                os.chown(part, owner.st_uid, owner.st_gid)
        else:
            folder = path.parent.stat()
            if os.getuid() == 0:
                os.chown(part, folder.st_uid, folder.st_gid)
        part.replace(path)
    except OSError as error:
        raise ConfigError(f"[page] accounts: {path} cannot be written: {error.strerror}") from None


def _read(path: Path) -> dict[str, Account]:
    text = read_secret(path, "[page] accounts")
    try:
        return _decode(text.encode())
    except msgspec.MsgspecError as error:
        raise ConfigError(
            f"[page] accounts: {path} is damaged: {error}; delete it and set the passwords again"
            " with `commune edge password`"
        ) from None


def _hash(password: str, salt: str) -> str:
    return scrypt(
        password.encode("utf-8", "surrogatepass"), salt=bytes.fromhex(salt), n=_N, r=_R, p=_P, dklen=32
    ).hex()
