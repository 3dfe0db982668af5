"""What the readings of all communes say together: registry, completeness, indicators, the monthly report."""
