"""Who may call: people, sources and their keys."""
