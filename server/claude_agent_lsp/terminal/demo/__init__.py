"""`claude-agent-lsp demo`: the main job in a terminal."""
