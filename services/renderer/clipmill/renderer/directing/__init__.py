"""Layouts, crops and camera paths: they decide the part of its picture that each frame shows."""
