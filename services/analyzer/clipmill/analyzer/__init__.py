"""Finds shots with PySceneDetect and picks moments with Gemini or locally."""
