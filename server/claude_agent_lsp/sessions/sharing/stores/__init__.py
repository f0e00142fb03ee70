"""Shared stores: the same sessions on several machines.

Import from the modules: the drivers are extras, and this package loads nothing by itself.
"""
