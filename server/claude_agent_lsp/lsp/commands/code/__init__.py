"""The commands about the code that the user looks at."""
