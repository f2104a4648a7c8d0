"""Events in, from upstream: subscriptions, the receiver, and reading missed events back."""
