"""Renders one captioned vertical clip with one decode and one encode."""
