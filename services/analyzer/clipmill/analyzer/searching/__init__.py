"""Searching a transcript for a subject that somebody describes, without a model."""
