"""The ways out to addresses that a stranger chose: only to public hosts, checked when the connection is made."""
