"""Because a test should meet the real thing: brokers and databases as small context managers.

Every part listens on its own port of the loopback address, keeps its files in its own folder, and is gone
when the test is gone, also when the test is killed.
"""
