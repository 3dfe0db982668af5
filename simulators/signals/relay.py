"""What a contactor does on its lines: its coil follows the output, its auxiliary contact its coil."""

from collections.abc import Callable

from simulators.clock import VirtualClock
from simulators.pins import SimPin
from simulators.signals.faults import Faults

PULLS_IN_S = 0.03  # a small contactor's closing time; IEC 60947-4-1 sheets give 12 to 30 ms


class RelaySignal:
    """One contactor; `switched` hears what its main contacts do."""

    def __init__(
        self,
        clock: VirtualClock,
        coil: SimPin,
        feedback: SimPin | None = None,
        switched: Callable[[bool], None] = lambda _on: None,
        *,
        invert: bool = False,
    ) -> None:
        self._clock = clock
        self._feedback = feedback
        self._switched = switched
        self._invert = invert
        self.on = False
        self._pulled = False
        self.faults = Faults(
            welded="its contacts stay closed, whatever the coil does; no size",
            dead="its coil never pulls in: blown, or its supply is gone; no size",
            cut="the wire of its feedback is cut; no size",
        )
        coil.on_output = self._coil
        self._show()

    def refresh(self) -> None:
        """Let a fault that was injected or mended show on the lines."""
        self._move(self._pulled)

    def _coil(self, level: bool) -> None:
        self._pulled = on = level is not self._invert
        self._clock.after(PULLS_IN_S, lambda: self._move(on))

    def _move(self, on: bool) -> None:
        now = "welded" in self.faults or (on and "dead" not in self.faults)
        changed = now is not self.on
        self.on = now
        self._show()
        if changed:
            self._switched(now)

    def _show(self) -> None:
        if self._feedback is not None:
            self._feedback.wire(False if self.on and "cut" not in self.faults else None)
