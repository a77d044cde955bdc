"""What the labels say: measured accuracy per band, calibrators, thresholds, monitoring. `calibration.core` is pure."""
