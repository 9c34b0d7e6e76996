"""What is to be seen in a clip: faces, people, mouths, and who speaks."""
