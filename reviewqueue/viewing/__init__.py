"""Who read what claims say, outside of reviewing them: what is recorded of it, and reading by break-glass."""
