"""A server that accepts every announcement, or never answers, in its own process.

python -m bench.answering [--hang]
"""

import argparse
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

ANSWER = b'{"job_id": null}'


@contextmanager
def answering(*, hangs: bool) -> Iterator[str]:
    """Yield its address; stop it after the block."""
    command = [sys.executable, "-m", "bench.answering", *(["--hang"] if hangs else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def main() -> None:
    """Print the port, then serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hang", action="store_true")
    hangs: bool = parser.parse_args().hang

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if hangs:
                threading.Event().wait()
            with suppress(BrokenPipeError):  # the client may have timed out
                self.send_response(201)
                self.send_header("Content-Length", str(len(ANSWER)))
                self.end_headers()
                self.wfile.write(ANSWER)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    print(listener.server_address[1], flush=True)
    listener.serve_forever()


if __name__ == "__main__":
    main()
