"""Nothing happens that the user did not see and allow."""
