"""The HTTP API: it takes submissions and serves statuses, jobs, transcripts, clips and videos."""
