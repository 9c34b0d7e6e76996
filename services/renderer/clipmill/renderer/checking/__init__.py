"""Whether a rendered file is what platforms take."""
