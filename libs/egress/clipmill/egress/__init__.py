"""Connections to addresses that a stranger chose: only to public hosts, checked when the connection is made."""
