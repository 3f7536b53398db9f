"""Seeds depend on nothing but the protocol's seed, the problem and the sample."""

from evalsvc.worker.seeds import SEED_LIMIT, sample_seed


def test_seeds_are_fixed_for_ever() -> None:
    # Changing these numbers would make resumed evaluations draw other samples.
    assert [sample_seed(0, 0, 0), sample_seed(0, 0, 1), sample_seed(7, 29, 255)] == [
        1189312133,
        99209766,
        820402856,
    ]


def test_seeds_differ_and_stay_in_range() -> None:
    seeds = [sample_seed(0, problem, sample) for problem in range(100) for sample in range(256)]
    assert all(0 <= seed < SEED_LIMIT for seed in seeds)
    assert len(set(seeds)) > len(seeds) - 10  # 25,600 draws of 2^31: 0.15 collisions expected
