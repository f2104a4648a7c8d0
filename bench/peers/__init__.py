"""What the connector is measured against, each in a virtualenv of its own under .bench/."""
