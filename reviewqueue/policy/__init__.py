"""Policies: the pure rules (document, parsing, routing, sampling, difference) and the versions a pipeline keeps."""
