"""The parts of `messaging.py`: a module for each measurement, and the processes that they measure."""
