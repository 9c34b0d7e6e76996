"""Asking a model for moments: prompts, providers, and answers that are checked before they are used."""
