"""The sweeper: it cleans up expired, lost and half-removed jobs, and artifacts without an owner."""
