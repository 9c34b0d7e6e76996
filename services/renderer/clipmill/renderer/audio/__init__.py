"""The clip's sound: its time line, its loudness, its peaks, and AAC."""
