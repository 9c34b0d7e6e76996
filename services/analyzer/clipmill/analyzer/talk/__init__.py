"""The talk as material: sentences, terms, windows with exact boundaries, and titles."""
