"""The sounds of the room: how people react, and songs."""
