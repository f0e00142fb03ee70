"""What one server shows of sessions at work in another one on the machine."""
