"""What breaks, hangs, fills up or is killed, and what it costs."""
