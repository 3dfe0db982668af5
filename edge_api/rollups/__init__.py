"""What an upper level needs of many readings: one line an asset and hour, chosen by rule."""
