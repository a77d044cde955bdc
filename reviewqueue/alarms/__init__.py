"""Alarms that are told: which stand, who was mailed, what endpoints hear. reports/alarms.py finds them."""
