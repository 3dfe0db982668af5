"""The clock of a real machine: boot id, monotonic and wall time, and whether wall time can be believed."""

import ctypes
import errno
import os
import threading
import time
from pathlib import Path

from sensors.errors import IOUnavailable

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
STA_UNSYNC = 0x0040  # linux/timex.h: set from boot on, cleared by whatever disciplines the clock


class _Timex(ctypes.Structure):
    """The head of `struct timex` as adjtimex(2) describes it; the rest only has to have room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 32),
    )


class PiClock:
    """Linux's clocks; the wall clock is only as good as `synchronised` says."""

    def __init__(self) -> None:
        self._boot_id = BOOT_ID.read_text(encoding="ascii").strip()
        self._libc = ctypes.CDLL(None, use_errno=True)

    @property
    def boot_id(self) -> str:
        """Return the kernel's name of this boot, new at every start (proc(5))."""
        return self._boot_id

    def monotonic_ns(self) -> int:
        """Nanoseconds of CLOCK_MONOTONIC; never goes back."""
        return time.monotonic_ns()

    def wall_ns(self) -> int:
        """Nanoseconds since 1970 UTC as the system believes."""
        return time.time_ns()

    def synchronised(self) -> bool:
        """Whether something disciplines the clock, by adjtimex(2); raise IOUnavailable if forbidden."""
        state = _Timex()  # modes = 0 asks and changes nothing
        if self._libc.adjtimex(ctypes.byref(state)) < 0:
            code = ctypes.get_errno()
            hint = "; a unit with ProtectClock=yes may not even ask" if code == errno.EPERM else ""
            raise IOUnavailable(f"adjtimex: {os.strerror(code)}{hint}")
        return not state.status & STA_UNSYNC

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        threading.Event().wait(seconds)
