"""What the CLI says beside the conversation, as a user is told of it.

Importing this package does not import the SDK.
"""
