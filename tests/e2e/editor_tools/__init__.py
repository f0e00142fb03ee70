"""What the agent reads and edits of files that are open in the editor."""
