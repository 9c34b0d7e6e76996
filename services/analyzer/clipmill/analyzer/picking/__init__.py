"""The local picker: features, topics, scheduling; sound and shots where nobody speaks."""
