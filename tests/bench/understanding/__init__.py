"""The parts of `understanding.py`: a module for each measurement."""
