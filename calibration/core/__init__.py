"""The statistics: pure functions on arrays and counts. No Django, no clock, no hidden randomness.

`maps` needs the standard library alone and is what routing imports; everything else needs numpy and scipy.
"""
