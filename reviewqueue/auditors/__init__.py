"""What auditors do with the ledger: look for entries, keep checkpoints, have it verified, compare."""
