"""Faces, people, mouths and speakers, found in a clip's pictures."""
