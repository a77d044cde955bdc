"""Writes about webhooks, one module per subject."""
