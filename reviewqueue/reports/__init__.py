"""Read-only questions that go across several nouns."""
