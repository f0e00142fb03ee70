"""This server beside its peers: `make bench`. docs/benchmarks.md tells how it measures."""
