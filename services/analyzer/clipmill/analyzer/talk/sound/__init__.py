"""The sound of a talk: the delivery of its sentences, how people react to them, and songs."""
