"""The protocol under which imported samples were drawn, where the request names it.

A named protocol has the same meaning for a benchmark as at submission: so imported samples have
the same protocol as our own of that name, and can be compared with them.
"""

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from evalsvc.catalogue import CatalogueError
from evalsvc.errors import UsageError
from evalsvc.services.jobs.resolution import resolve_protocol
from evalsvc.specs import PROTOCOLS, JobRequest, Protocol, content_hash, powers_of_two

if TYPE_CHECKING:
    from evalsvc.catalogue import Catalogue

UNKNOWN_PROTOCOL = "imported"  # the request does not say how the samples were drawn


def named_protocol(name: str | None, benchmark: str, catalogue: "Catalogue") -> Protocol | None:
    """The protocol NAME for a benchmark; None where none is named. Raises UsageError."""
    if name is None:
        return None
    if name not in PROTOCOLS:
        raise UsageError(
            f"There is no protocol {name!r}.",
            f"Known: {', '.join(PROTOCOLS)}; leave it out if it is not known.",
        )
    try:
        described = catalogue.get(benchmark)
    except CatalogueError:  # imported under its own name
        return PROTOCOLS[name]
    asked = JobRequest(checkpoint="import", run="import", benchmarks=(benchmark,), protocol=name)
    return resolve_protocol(asked, described)


def with_samples(
    protocol: Protocol | None, samples: int, tool: str | None
) -> tuple[dict[str, Any], str]:
    """The protocol with n = `samples`, and its hash.

    An unnamed protocol equals only unnamed ones of the same tool. Raises UsageError where that
    many samples cannot have been drawn under it.
    """
    if protocol is None:
        ks = list(powers_of_two(samples))
        unknown = {"name": UNKNOWN_PROTOCOL, "samples": samples, "ks": ks}
        if tool is None:
            return unknown, content_hash([UNKNOWN_PROTOCOL])
        return {**unknown, "tool": tool}, content_hash([UNKNOWN_PROTOCOL, tool])
    fields = protocol.model_dump(mode="json", exclude={"samples", "ks"})
    try:
        found = Protocol.model_validate({**fields, "samples": max(samples, 1), "ks": ()})
    except ValidationError as error:
        words = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise UsageError(
            f"{samples} samples a problem were not drawn under {protocol.name!r}: {words}.",
            "Name the protocol under which they were drawn, or none.",
        ) from error
    return found.model_dump(mode="json"), found.hash
