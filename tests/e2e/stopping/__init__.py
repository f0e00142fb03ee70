"""Stop means stop: every way to say it, at every moment."""
