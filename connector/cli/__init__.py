"""What is typed, and what runs behind it."""
