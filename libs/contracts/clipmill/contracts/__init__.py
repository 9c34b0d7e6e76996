"""Messages, documents and the public status that clipmill's services share. It imports no other package of clipmill."""
