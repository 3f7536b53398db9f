"""What people would use instead of this service: run beside it, on the same machine and load."""
