"""What a repository, another user or a broken client can do: nothing."""
