"""Signed webhooks: what sources are told about the outcomes of their claims."""
