"""Whether the machinery runs: when each sweep last ran, logs, health."""
