"""What is generated from the catalog, one generator per platform."""
