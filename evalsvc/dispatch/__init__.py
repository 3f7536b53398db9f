"""From jobs to shards to workers: submission, planning, the policy, the dispatcher, executors."""
