"""The download stage: a URL or an upload becomes a seekable source."""
