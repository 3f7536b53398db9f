"""Numeric limits of every request that a user can meet.

docs/limits.md lists them; a test compares the two.
"""

#: Samples of one problem: vLLM's own limit on the sequences of one request.
MAX_SAMPLES = 16_384
#: `max_tokens` of a protocol.
MAX_OUTPUT_TOKENS = 1_000_000
#: Benchmarks of one job.
MAX_BENCHMARKS = 64
#: Priority of a job, and its negative.
MAX_PRIORITY = 100
#: Names of runs, methods, benchmarks and protocols.
MAX_NAME_CHARACTERS = 200
#: The path of a checkpoint.
MAX_PATH_CHARACTERS = 4096
#: The reason of a checkpoint that is not evaluated.
MAX_REASON_CHARACTERS = 4_000
