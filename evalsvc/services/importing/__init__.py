"""Results made elsewhere: read, judged by our verifier and stored as evaluations."""
