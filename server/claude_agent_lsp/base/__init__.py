"""What every other layer may use: it knows nothing of any of them."""
