"""What a thing measures: samples, quality, drivers, and what they mean for an asset. Knows no other room."""
