"""Shots: cuts, dissolves and fades, measured in child processes."""
