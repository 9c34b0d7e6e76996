"""Checks of rendered files against the limits of platforms."""
