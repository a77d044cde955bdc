"""Checks of an output without a model or a network: the same claim and the same check always give the same finding.

Pure, and below `policy`: a policy that declares a check which cannot be run is refused when it is proposed.
"""
