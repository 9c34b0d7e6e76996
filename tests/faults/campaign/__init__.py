"""A fault campaign runs all of clipmill as processes, commits faults drawn from a seed, and checks what must hold."""
