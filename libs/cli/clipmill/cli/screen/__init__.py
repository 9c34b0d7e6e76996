"""Output for people: bars, tables, lines."""
