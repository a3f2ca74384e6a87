"""What authors wrote, and what is true of it."""
