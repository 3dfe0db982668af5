"""Because a simulator that is wrong makes every other test wrong."""
