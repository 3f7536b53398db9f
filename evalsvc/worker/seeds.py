"""The seed of each sample: a pure function of (protocol seed, problem, sample).

It does not depend on how an evaluation is cut into shards or on which worker runs them, so that a
resumed, retried or enlarged evaluation draws exactly the samples that were missing.
"""

import hashlib

SEED_LIMIT = 2**31  # exclusive; engines disagree about larger seeds
POLICY = "blake2b(protocol seed, problem index, sample index) mod 2^31"


def sample_seed(protocol_seed: int, problem: int, sample: int) -> int:
    """Seed of sample `sample` (from 0) of problem `problem` (row index): in [0, 2**31)."""
    text = f"{protocol_seed}/{problem}/{sample}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") % SEED_LIMIT
