"""What the agent can ask the editor for: what is open, what is wrong, where things are defined.

Import from the modules: this package loads nothing by itself.
"""
