"""Job documents: the fold of a job's events, kept in a bucket and rebuilt from the stream."""
