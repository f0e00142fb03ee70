"""The executable."""
