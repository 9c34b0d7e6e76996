"""Messages, documents and the public status that clipmill's services share. Imports nothing of ours."""
