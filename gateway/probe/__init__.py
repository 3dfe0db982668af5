"""What hangs on this Pi that no configuration names yet, and the lines that would name it."""
