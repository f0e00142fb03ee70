"""Whose turn it is: the user's, the queue's, the agent's own, another server's."""
