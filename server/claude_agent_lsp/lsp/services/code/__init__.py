"""What commands and features know of the code that the user looks at."""
