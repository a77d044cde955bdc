"""Audit reports: what happened in a period, from one snapshot, under one checkpoint of the ledger."""
