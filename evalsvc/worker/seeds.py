"""The seed of each sample: a pure function of (protocol seed, problem, sample index).

It does not depend on how an evaluation is cut into shards or on which worker runs them. So an
evaluation that is resumed, retried or enlarged draws exactly the samples that were missing.
"""

import hashlib

SEED_LIMIT = 2**31  # exclusive; engines disagree about larger seeds
POLICY = "blake2b(protocol seed, problem index, sample index) mod 2^31"


def sample_seed(protocol_seed: int, problem: int, sample_index: int) -> int:
    """Compute a seed in [0, 2**31). `problem` is the row index; `sample_index` counts from 0."""
    text = f"{protocol_seed}/{problem}/{sample_index}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") % SEED_LIMIT
