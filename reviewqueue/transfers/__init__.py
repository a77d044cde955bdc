"""Whole files of claims in, and claims, labels and outcomes out: row by row, at constant memory."""
