"""Many nodes at once, without sensors: the load of a province, with the feed's own custody and counts."""
