"""Much at once, for long, or large: nobody waits for another."""
