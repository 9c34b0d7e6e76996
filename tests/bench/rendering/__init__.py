"""The parts of `rendering.py`: a module for each measurement; and what the other benches of rendering share."""
