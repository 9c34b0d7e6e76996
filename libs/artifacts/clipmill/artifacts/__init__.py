"""Media and documents in an object store, under keys that follow from job and stage."""
