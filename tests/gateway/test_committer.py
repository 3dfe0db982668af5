"""Whoever asks whether all is committed must not be told so while a reading is on its way to the disk."""

import threading
import time

from gateway.spool import Committer


def test_an_item_on_its_way_into_a_commit_is_never_seen_nowhere():
    depths, written = [], threading.Event()

    class Watched(Committer):
        def __setattr__(self, name, value):
            if name == "_writing" and value:  # the item has left the queue and is not yet said to be written
                reader = threading.Thread(target=lambda: depths.append(self.depth))
                reader.start()
                reader.join(0.2)
                readers.append(reader)
            super().__setattr__(name, value)

    readers = []

    def commit(_items):
        for reader in readers:
            reader.join(10)  # it must have its answer before the item is on disk
        written.set()

    committer = Watched(commit)
    committer.start()
    committer.put("reading")
    assert written.wait(10)
    assert committer.stop()
    assert depths == [1]


def test_what_is_urgent_does_not_wait_for_company_and_takes_with_it_what_waits():
    groups, written = [], threading.Event()

    def commit(items):
        groups.append(items)
        written.set()

    committer = Committer(commit, linger_s=60, full=100, urgent=lambda item: item == "alarm")
    committer.start()
    committer.put("first")  # which goes at once
    assert written.wait(10)
    written.clear()
    committer.put("reading")
    committer.put("reading", "alarm")
    assert written.wait(10)
    written.clear()
    committer.put("later")
    assert not written.wait(0.2), "what comes after it waits again"
    assert committer.stop()
    assert groups == [["first"], ["reading", "reading", "alarm"], ["later"]]


def test_what_comes_after_a_long_silence_goes_at_once_and_what_follows_waits_for_company():
    groups, written = [], threading.Event()

    def commit(items):
        groups.append((time.monotonic(), items))
        written.set()

    committer = Committer(commit, linger_s=0.3, full=100)
    committer.start()
    for turn in range(2):
        began = time.monotonic()
        committer.put(f"alone {turn}")
        assert written.wait(10)
        assert groups[-1][0] - began < 0.2
        written.clear()
        committer.put(f"a {turn}")
        committer.put(f"b {turn}")
        assert written.wait(10)
        assert groups[-1][0] - began >= 0.3
        written.clear()
        assert not written.wait(0.8), "a silence, and nothing to write"
    assert committer.stop()
    assert [items for _, items in groups] == [["alone 0"], ["a 0", "b 0"], ["alone 1"], ["a 1", "b 1"]]


def test_after_a_silence_what_is_said_to_follow_is_waited_for_and_no_longer():
    groups, written = [], threading.Event()

    def commit(items):
        groups.append(items)
        written.set()

    committer = Committer(commit, linger_s=60, full=100)
    committer.start()
    committer.put("first of three", more=True)
    assert not written.wait(0.2)
    committer.put("second", more=True)
    assert not written.wait(0.2)
    committer.put("last")
    assert written.wait(10)
    assert groups == [["first of three", "second", "last"]]
    assert committer.stop()


def test_what_is_said_to_follow_and_does_not_holds_nothing_up_for_longer_than_the_linger():
    written = threading.Event()
    committer = Committer(lambda _: written.set(), linger_s=0.3, full=100)
    committer.start()
    began = time.monotonic()
    committer.put("first", more=True)
    assert written.wait(10)
    assert 0.3 <= time.monotonic() - began < 5
    assert committer.stop()


def test_what_is_urgent_does_not_wait_for_what_is_said_to_follow():
    written = threading.Event()
    committer = Committer(lambda _: written.set(), linger_s=60, full=100, urgent=lambda item: item == "alarm")
    committer.start()
    committer.put("reading", more=True)
    committer.put("alarm", more=True)
    assert written.wait(10)
    assert committer.stop()


def test_after_a_silence_a_burst_goes_into_one_commit_as_soon_as_nothing_more_has_come():
    groups, written = [], threading.Event()

    def commit(items):
        groups.append(items)
        written.set()

    committer = Committer(commit, linger_s=60, settle_s=0.5, full=100)
    committer.start()
    began = time.monotonic()
    for number in range(3):
        committer.put(number)
        assert not written.wait(0.1)
    assert written.wait(10)
    assert 0.5 <= time.monotonic() - began < 30
    assert groups == [[0, 1, 2]]
    assert committer.stop()
