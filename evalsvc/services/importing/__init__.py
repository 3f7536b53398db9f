"""Results made elsewhere: read, judged by this verifier and stored as evaluations."""
