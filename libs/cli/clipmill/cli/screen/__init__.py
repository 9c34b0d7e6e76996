"""What a person sees: bars, tables, lines."""
