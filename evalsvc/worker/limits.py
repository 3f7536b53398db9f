"""Limits of the worker that a user can hit. docs/limits.md lists them.

Durations are seconds.
"""

# Messages between dispatcher and worker. 5,000 problems x 16,384 samples in five hexadecimal masks
# are about 100 MB. A shard is far smaller (1-3 minutes of work), so a longer line is an error.
MAX_LINE_BYTES = 64 * 2**20

# Verification
MAX_VERIFIER_PROCESSES = 8  # when `verifier_processes` is 0 (one per core)
MAX_UNVERIFIED_SAMPLES = 2048  # of one shard, in the engine or waiting for a verdict

# Engines
MAX_START_ATTEMPTS = 2  # to start an engine before the shard fails
ENGINE_CLOSE_SECONDS = 30.0  # for an engine to close

# Images (defaults of the engine options `max_pixels` and `max_images`)
MAX_PIXELS = 16_384 * 28 * 28  # of one image; the limit of Qwen2.5-VL's own processor
MIN_PIXELS = 28 * 28  # the smallest `max_pixels`
MAX_IMAGES = 8  # of one problem

# The openai engine
OPENAI_MAX_ATTEMPTS = 6  # requests for one completion before the engine counts as dead
OPENAI_CONNECT_SECONDS = 10.0
OPENAI_RESPONSE_SECONDS = 1800.0  # for one completion: it may be long and the server busy

# Log lines quoted in an error
LOG_TAIL_BYTES = 4096
LOG_TAIL_LINES = 15
