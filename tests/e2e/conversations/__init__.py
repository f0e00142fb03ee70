"""What was said, and what can be done with it afterwards."""
