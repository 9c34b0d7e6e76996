"""Recognition: sound becomes words with times, segments and speakers."""
