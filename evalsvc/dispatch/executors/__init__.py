"""Where workers run: subprocesses on this machine (`local`) or actors of a cluster (`ray`)."""

from evalsvc.dispatch.executors.base import Executor
from evalsvc.errors import MissingExtra
from evalsvc.settings import Settings


def create_executor(settings: Settings) -> Executor:
    """Create the executor that the settings name. Raises MissingExtra if Ray is not installed."""
    if settings.executor == "ray":
        try:
            from evalsvc.dispatch.executors.ray import RayExecutor  # noqa: PLC0415 - an extra
        except ModuleNotFoundError as error:
            raise MissingExtra("The executor 'ray'", "ray") from error
        return RayExecutor(settings)
    from evalsvc.dispatch.executors.local import LocalExecutor  # noqa: PLC0415 - one of two

    return LocalExecutor(settings)
