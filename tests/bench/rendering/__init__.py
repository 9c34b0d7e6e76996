"""The parts of `rendering.py`, a module for each measurement, and the code that the benches of rendering share."""
