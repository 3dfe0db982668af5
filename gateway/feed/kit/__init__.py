"""The conformance kit: holds what is on a broker or in a capture against the contract; needs no node."""

from gateway.feed.kit.capture import CaptureError, Heard, read_capture, write_line
from gateway.feed.kit.check import Check
from gateway.feed.kit.rules import RULES, Finding, Rule

__all__ = ["RULES", "CaptureError", "Check", "Finding", "Heard", "Rule", "read_capture", "write_line"]
