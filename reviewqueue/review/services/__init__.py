"""Writes of the review queue, one module per subject."""
