"""AI tasks whose claims are comparable, their owners and grants."""
