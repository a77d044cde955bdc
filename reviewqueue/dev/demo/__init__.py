"""The demo: a real pipeline with real model outputs and a day of simulated reviewers.

Accounts, keys, the pipeline and its first policy are made through the services; everything else goes through the REST
API with the example client, like any upstream system and any reviewer's tool.
"""
