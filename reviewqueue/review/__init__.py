"""Human work: tasks, slots, leases and labels."""
