"""What builders see, described once: actions, their fields, events and outcomes."""
