"""Rendering of captioned clips: each is surveyed, then decoded once and encoded once."""
