"""Limits of the dispatcher that a user can hit. docs/limits.md lists them.

Durations are seconds.
"""

# Shards and their failures
MAX_SHARD_SAMPLES = 65_536  # bounds the size of a result message and the loss from one crash
MAX_SHARDS_IN_FLIGHT = 32  # shards on one worker at a time, however small they are
MAX_FAILURES = 3  # retryable failures of one shard before it fails for good
MAX_DEATHS = 3  # worker deaths during a shard, while no worker died without it
MAX_DEATHS_EVER = 10  # worker deaths during a shard, whatever else happened
RETRY_PAUSES_SECONDS = (0.5, 10.0, 15.0)  # before the first retry, the second, and all later ones

# Scheduling
AGEING_SECONDS = 600.0  # waiting time that is worth one level of priority
FAIRNESS_SHARDS = 8.0  # how many shards a user may be ahead before other users go first

# Workers
CANCEL_SECONDS = 3.5  # for a worker to stop a cancelled shard before it is killed
DRAIN_SECONDS = 20.0  # for running shards to finish when the dispatcher stops
SHUTDOWN_SECONDS = 20.0  # for workers to exit cleanly before they are killed
WORKER_EXIT_SECONDS = 15.0  # for a worker that closed its connection to exit before it is killed
IDLE_SECONDS = 60.0  # without work before a worker above the minimum is stopped
MAX_START_PAUSE_SECONDS = 60.0  # between attempts to start a worker that does not come up
MAX_ACTOR_RESTARTS = 3  # by Ray, of one actor; after that the dispatcher starts another

# Artifact store
PROBE_SECONDS = 30.0  # for a test write to the artifact store
MAX_PROBE_PAUSE_SECONDS = 60.0  # between test writes while the dispatcher is paused
