"""evalsvc: evaluation service for reasoning models.

The core (client, hooks, client commands) imports only httpx, pydantic, typer and rich. Everything
that serves, computes or generates is in an extra and is imported when it is needed.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalsvc.client import AsyncClient, Client

__all__ = ["AsyncClient", "Client", "__version__"]
__version__ = "0.2.0"


def __getattr__(name: str) -> Any:
    """Import the clients when they are first used: `import evalsvc` stays fast."""
    if name in ("AsyncClient", "Client"):
        from evalsvc import client  # noqa: PLC0415

        return getattr(client, name)
    raise AttributeError(f"module 'evalsvc' has no attribute {name!r}")
