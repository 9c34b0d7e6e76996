"""Messaging between the services without loss: streams, workers, publishing, projection."""
