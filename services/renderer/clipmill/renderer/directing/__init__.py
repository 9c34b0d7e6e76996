"""What each frame shows of its picture: layouts, crops and camera paths."""
