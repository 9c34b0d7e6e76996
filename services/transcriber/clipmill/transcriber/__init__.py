"""The transcriber: turns a source's speech into words with times."""
