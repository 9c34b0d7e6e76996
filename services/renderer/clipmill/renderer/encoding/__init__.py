"""The clip as a file: encoders, their quality, and the container."""
