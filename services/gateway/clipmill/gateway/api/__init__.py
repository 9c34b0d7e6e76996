"""The HTTP API: submissions in; statuses, jobs, transcripts and videos out."""
