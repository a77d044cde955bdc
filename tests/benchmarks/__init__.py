"""Measurements. No test: nothing here runs with the tests, and nothing asserts a time."""
