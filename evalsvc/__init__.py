"""evalsvc: evaluation service for reasoning models.

The light core (client, hooks, commands) imports only httpx, pydantic, typer and rich;
everything that serves, computes or generates lives behind an extra and is imported late.
"""

__version__ = "0.1.0"
