"""Words in the picture: captions and the hook, from the transcript to letters on the canvas."""
