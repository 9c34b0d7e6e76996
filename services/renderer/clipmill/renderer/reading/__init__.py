"""Reading a source: its upright pictures and its sound, decoded, converted and placed in time."""
