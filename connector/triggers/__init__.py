"""Events out, to builders: polling, hooks and their deliveries."""
