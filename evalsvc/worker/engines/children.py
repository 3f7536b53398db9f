"""Kill an engine's own processes, even if it is only half started."""

import multiprocessing

NAMES = ("EngineCore", "VllmWorker")
WAIT_SECONDS = 10.0


def end_engine_children() -> None:
    """Kill the engine processes of this process, with their children, and wait until they end."""
    cores = [p for p in multiprocessing.active_children() if p.name.startswith(NAMES)]
    if not cores:
        return
    import psutil

    doomed = []
    for core in cores:
        try:
            process = psutil.Process(core.pid)
            doomed += [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
    for process in doomed:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(doomed, timeout=WAIT_SECONDS)
