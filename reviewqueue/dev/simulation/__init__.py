"""The whole loop on real model outputs, in an hour of claims played within minutes (docs/simulation.md)."""
