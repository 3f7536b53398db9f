"""Jobs: submission, resolution of a request, admission of checkpoints, registration, views."""
