"""What the agent does about code, and what it finds."""
