"""What was claimed, how it was routed, and the truth that stands."""
