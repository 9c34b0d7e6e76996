"""A fault campaign: all of clipmill as processes, faults drawn from a seed, and what must hold after them."""
