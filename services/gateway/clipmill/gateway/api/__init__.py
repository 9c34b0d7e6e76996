"""The HTTP API: it takes submissions and serves statuses, jobs, transcripts and videos."""
