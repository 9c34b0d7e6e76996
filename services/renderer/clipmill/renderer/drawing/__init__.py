"""Frames as they are drawn: crops, backgrounds and overlays in YUV, and the poster."""
