"""The documents are true and complete, or these tests fail."""
