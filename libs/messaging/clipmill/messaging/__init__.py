"""How work moves between clipmill's services without loss: streams, workers, publishing, projection."""
