"""Sound: its decoding, its levels, its speech regions, and the portions that are recognised together."""
