"""How fast the connector is, beside its peers: `make bench`. Writes docs/performance.md."""
