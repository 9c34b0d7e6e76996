"""Sound: decoding, levels, speech regions and the portions that are recognised together."""
