"""What a named protocol means for a benchmark: the paper's question, and its authors' own."""

import pytest

from evalsvc.catalogue import get
from evalsvc.catalogue.model import NAMED_PROTOCOLS
from evalsvc.errors import ProtocolError
from evalsvc.services.jobs.resolution import resolve_protocol
from evalsvc.specs import PROTOCOLS, JobRequest


def asked(benchmark: str, protocol: str) -> JobRequest:
    return JobRequest(checkpoint="c", run="r", benchmarks=(benchmark,), protocol=protocol)


def test_a_benchmark_may_speak_of_every_named_protocol_and_no_other() -> None:
    assert set(NAMED_PROTOCOLS) == set(PROTOCOLS)


@pytest.mark.parametrize("name", ["mathvision", "mathverse", "medical"])
def test_the_paper_and_the_authors_ask_two_questions(name: str) -> None:
    benchmark = get(name)
    paper = resolve_protocol(asked(name, "paper"), benchmark)
    official = resolve_protocol(asked(name, "official"), benchmark)
    assert (paper.prompt, paper.samples, paper.ks, paper.temperature) == ("paper", 4, (1,), 0.6)
    assert (official.prompt, official.samples, official.temperature) == ("official", 1, 0)
    assert official.max_tokens == (512 if name == "medical" else 4096)
    assert paper.hash != official.hash


@pytest.mark.parametrize("name", ["geo3k", "aime2025", "smoke"])
def test_a_benchmark_without_a_protocol_of_its_own_says_so(name: str) -> None:
    with pytest.raises(ProtocolError, match="has no protocol of its authors' own"):
        resolve_protocol(asked(name, "official"), get(name))
