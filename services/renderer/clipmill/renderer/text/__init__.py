"""Words in the picture: captions and the hook, from what is said to letters on the canvas."""
