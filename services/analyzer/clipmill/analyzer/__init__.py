"""Finds shots with PySceneDetect and picks moments with a model or locally."""
