"""The dispatcher: shard planning, scheduling policy, ledger, worker pool and executors."""
