"""Tests of agent/following."""
