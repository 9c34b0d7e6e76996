"""The HTTP side of clipmill: submissions in, job status and videos out."""
