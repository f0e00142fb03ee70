"""What editors send, and what they are told."""
