"""Allowed targets of webhooks: public addresses, and private ones only if the operator allows them.

The name is resolved here and the connection is made to the address that was checked, so that a
second DNS answer cannot lead elsewhere.
"""

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from evalsvc.errors import PermissionDenied, UsageError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = ipaddress.ip_network("64:ff9b::/96")
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class CheckedAddress:
    """A checked target: the URL's own host (for Host and TLS) and the address to connect to."""

    url: str
    host: str
    port: int
    address: str


def check_address(url: str, allow: str) -> CheckedAddress:
    """Resolve and check `url`. Raises UsageError (no URL), PermissionDenied (target refused)."""
    parts = _parsed(url)
    host = parts.hostname or ""
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    addresses = _resolve(host, port)
    hosts, networks = _allowed(allow)
    for address in addresses:
        if host not in hosts and not _is_public(address) and not _is_in(address, networks):
            raise PermissionDenied(
                f"The webhook's host {host!r} is {address}, which is not a public address.",
                "Use a public address, or have the operator allow this host or network in "
                "EVALSVC_WEBHOOK_ALLOW.",
            )
    return CheckedAddress(url, host, port, str(addresses[0]))


def _parsed(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or " " in url:
        raise UsageError(
            "The webhook's URL is not a usable http(s) address.", "Give it as https://host/path."
        )
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            "The webhook's URL holds a user or password.",
            "Leave them out; deliveries are signed with the webhook's secret.",
        )
    return parts


def _resolve(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UsageError(
            f"The webhook's host {host!r} cannot be resolved.", "Check the name."
        ) from None
    return [ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in found]


def _allowed(
    allow: str,
) -> tuple[set[str], Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]]:
    """Hosts and networks of EVALSVC_WEBHOOK_ALLOW, separated by commas or blanks."""
    hosts, networks = set(), []
    for item in allow.replace(",", " ").split():
        try:
            networks.append(ipaddress.ip_network(item, strict=False))
        except ValueError:
            hosts.add(item.lower())
    return hosts, networks


def _is_public(address: Address) -> bool:
    inner = _inner(address)
    return inner.is_global and not inner.is_multicast and not inner.is_reserved


def _inner(address: Address) -> Address:
    """The IPv4 address embedded in an IPv6 one (mapped, 6to4, NAT64)."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address in NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_in(
    address: Address, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]
) -> bool:
    inner = _inner(address)
    return any(inner in network for network in networks if network.version == inner.version)
