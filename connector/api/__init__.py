"""The HTTP side: thin routes made from the catalog, keys, limits, errors, health."""
