"""Which tool calls are asked about or denied whatever the CLI thinks of them.

Import from the modules: this package loads nothing by itself.
"""
