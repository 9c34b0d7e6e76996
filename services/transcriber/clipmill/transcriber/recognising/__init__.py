"""From sound to words with times, segments and speakers."""
