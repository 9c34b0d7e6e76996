"""What no event ends: expired, lost and half-removed jobs, and artifacts without an owner."""
