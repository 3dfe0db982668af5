"""The demo counts to the last reading: none may be taken once it was said that no more are."""

import threading
import time
from types import SimpleNamespace

from simulators.demo.commune import Demo


class SlowRunner:
    """A machine so busy that one round takes long, and that is far behind the time it was told to reach."""

    def __init__(self):
        self.due_ns = 0
        self.rounds = 0
        self.began = threading.Event()

    def step(self, until_ns):
        while self.due_ns <= until_ns:
            self.began.set()
            time.sleep(0.05)
            self.rounds += 1
            self.due_ns += 1_000_000


def test_a_demo_that_is_ended_on_a_busy_machine_takes_nothing_more_and_ends_soon():
    runner = SlowRunner()
    node = SimpleNamespace(node=SimpleNamespace(lights=SimpleNamespace(step=lambda: None), runner=runner))
    demo = Demo([node], None, None, None, {}, speed=900.0, lead_ns=10**12, began=time.monotonic() - 60)
    demo.pacer = threading.Thread(target=demo.pace, daemon=True)
    demo.pacer.start()
    assert runner.began.wait(10)
    ended = threading.Thread(target=demo.end)
    ended.start()
    ended.join(30)
    assert not ended.is_alive(), "it waited for all that it was behind, not for one round"
    rounds = runner.rounds
    assert not demo.pacer.is_alive()
    assert runner.rounds == rounds
