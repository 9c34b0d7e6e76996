"""The local picker: features, topics and scheduling, or sound and shots where nobody speaks."""
