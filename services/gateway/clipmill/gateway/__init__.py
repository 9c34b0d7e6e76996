"""The HTTP side of clipmill: it takes submissions and serves the status and the videos of jobs."""
