"""The public client of the service: for scripts, notebooks, the command line and the hooks.

    from evalsvc import Client

`Client` blocks, `AsyncClient` has the same methods as coroutines. Both need httpx and pydantic
only. Every call has a time limit; a call is repeated when the network or the server fails for a
moment, and a POST then carries the same Idempotency-Key, so that nothing is done twice. Every
failure is a ServerError with the server's own remedy.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx

from evalsvc.client.operations import Benchmarks, Checkpoint, Operations, Side, job_id, job_request
from evalsvc.client.progress import OnProgress, job_progress
from evalsvc.client.rows import (
    AsyncSamples,
    Claim,
    ComparisonTable,
    ConfidenceName,
    EvaluationResult,
    Job,
    MetricRow,
    PowerPlan,
    ResultFigure,
    Samples,
    Table,
)
from evalsvc.client.transport import (
    ATTEMPTS,
    TIMEOUT_SECONDS,
    Call,
    EventStream,
    Flow,
    Found,
    Running,
    ServerEvent,
    Step,
    Wait,
    checked_address,
    checked_key,
    connection_options,
    given,
    refusal,
)
from evalsvc.settings import load_settings

if TYPE_CHECKING:
    from evalsvc.specs import JobRequest

T = TypeVar("T")
POLL_SECONDS = 1.0


class _Connection:
    """What both clients share: where to, with which key, and the flows."""

    def __init__(
        self, server: str | None, key: str | None, timeout_seconds: float, attempts: int
    ) -> None:
        if server is None or key is None:
            settings = load_settings()
            server = settings.resolved_server if server is None else server
            key = settings.key if key is None else key
        self.server = checked_address(server)
        self._options = connection_options(self.server, checked_key(key), timeout_seconds)
        self._attempts = attempts
        self._flows = Operations(self.server, attempts)

    @property
    def server_version(self) -> str | None:
        """The version of evalsvc that the server runs, as its last answer said."""
        return self._flows.server_version


class Client(_Connection):
    """A connection to one server.

    Args:
        server: its address, such as "http://127.0.0.1:8420". Default: `EVALSVC_SERVER`, else
            this machine.
        key: the API key. Default: `EVALSVC_KEY`. "" sends none.
        timeout_seconds: limit for one request.
        attempts: how often a request is tried when the network or the server fails.
        transport: another way than the network.

    Raises:
        ServerError: the address or the key cannot be used. Every method raises it when the server
            cannot be reached, refuses, or answers something that this version cannot read.

    Examples:
        The replay engine takes answers from a file, so this runs without a GPU.

        >>> from pathlib import Path
        >>> _ = Path("answers.jsonl").write_text('{"problem": 0, "responses": ["no idea"]}')
        >>> from evalsvc import Client
        >>> with Client() as client:
        ...     job = client.submit(
        ...         "example",
        ...         run="readme",
        ...         method="GRPO",
        ...         step=100,
        ...         benchmarks=[{"name": "smoke", "first": 1}],
        ...         samples=1,
        ...         engine="replay",
        ...         engine_options={"answers": "answers.jsonl"},
        ...     )
        ...     job = client.wait(job)
        ...     table = client.results(run="readme")
        ...     texts = [sample.response for sample in client.samples(table[0].evaluation)]
        >>> job.state
        'done'
        >>> [(row.metric, row.value) for row in table]
        [('pass@1', 0.0)]
        >>> texts
        ['no idea']
        >>> table.to_pandas()["benchmark"].tolist()
        ['smoke']
    """

    def __init__(
        self,
        server: str | None = None,
        key: str | None = None,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        attempts: int = ATTEMPTS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        super().__init__(server, key, timeout_seconds, attempts)
        self._http = httpx.Client(**self._options, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def submit(
        self,
        checkpoint: Checkpoint,
        *,
        run: str,
        method: str | None = None,
        step: int = 0,
        benchmarks: Benchmarks,
        protocol: Any = "quick",
        idempotency_key: str | None = None,
        **settings: Any,
    ) -> Job:
        """Submit a checkpoint for evaluation. Samples that exist already are not drawn again.

        Args:
            checkpoint: its folder, as the server sees it. A path that exists here is made absolute.
            run: the training run.
            method: for example "GRPO + A-GRAE".
            step: the training step.
            benchmarks: names ("math", "mathverse:text_only"), or requests such as
                `{"name": "math", "first": 100}`. A text names several, separated by commas.
            protocol: "paper", "official", "quick", "greedy", or its settings as an object.
            idempotency_key: submitting again under the same key returns the same job.
            **settings: any other field of `POST /v1/jobs`: `samples`, `ks`, `max_tokens`,
                `temperature`, `top_p`, `seed`, `prompt`, `base_model`, `train_seed`, `priority`,
                `engine`, `engine_options`, `stop_early` ...

        Returns:
            The job, which `wait` follows.

        Raises:
            UsageError: a setting is unknown or out of range, or settings contradict each other.
            ServerError: the server refuses the checkpoint, a benchmark or the protocol.
        """
        request = job_request(
            checkpoint,
            run=run,
            method=method,
            step=step,
            benchmarks=benchmarks,
            protocol=protocol,
            **settings,
        )
        return self.submit_request(request, idempotency_key)

    def submit_request(self, request: "JobRequest", idempotency_key: str | None = None) -> Job:
        """Submit a request that is already made."""
        return self._run(self._flows.submit(request, idempotency_key))

    def job(self, job: Job | str) -> Job:
        """A job as it stands now."""
        return self._run(self._flows.job(job))

    def wait(
        self,
        job: Job | str,
        *,
        progress: bool | OnProgress = True,
        timeout_seconds: float | None = None,
        poll_seconds: float = POLL_SECONDS,
    ) -> Job:
        """Wait until a job has ended.

        Args:
            job: the job, or its id.
            progress: True shows a bar in a terminal or a notebook; a function is called with the
                job whenever it has changed; False shows nothing.
            timeout_seconds: raise ServerError after so long; the job itself continues.
            poll_seconds: time between two requests.

        Returns:
            The ended job. Its `state` is done, failed or cancelled, and `reasons` say why.
        """
        with _showing(job, progress) as show:
            return self._run(self._flows.wait(job, show, timeout_seconds, poll_seconds))

    def cancel(self, job: Job | str) -> Job:
        """Cancel a job. Generation stops within seconds; the samples that exist stay."""
        return self._run(self._flows.cancel(job))

    def results(
        self,
        run: str | None = None,
        benchmark: str | None = None,
        *,
        step: int | None = None,
        job: Job | str | None = None,
        limit: int | None = None,
        metric: str | Sequence[str] = (),
    ) -> Table[ResultFigure]:
        """The figures of evaluations, newest first: a row per evaluation and k.

        Args:
            run: only of this run; likewise `benchmark`, `step` and `job`.
            limit: at most so many evaluations; all by default.
            metric: registered metrics by name, or "all"; pass@k by default.
        """
        return self._run(
            self._flows.results(limit, _filters(run, benchmark, step, job), _names(metric))
        )

    def evaluations(
        self,
        run: str | None = None,
        benchmark: str | None = None,
        *,
        step: int | None = None,
        job: Job | str | None = None,
        limit: int | None = None,
    ) -> Table[EvaluationResult]:
        """Evaluations in full. The arguments are those of `results`."""
        return self._run(self._flows.evaluations(limit, _filters(run, benchmark, step, job)))

    def evaluation(self, evaluation: str) -> EvaluationResult:
        """One evaluation in full, by its id."""
        return self._run(self._flows.evaluation(evaluation))

    def metrics(
        self, evaluation: str, metric: str | Sequence[str] = (), k: Sequence[int] = ()
    ) -> Table[MetricRow]:
        """The figures of an evaluation's registered metrics; `notes` name those left out.

        Args:
            evaluation: its id.
            metric: names of metrics; all by default.
            k: for metrics with a k; all useful ones by default.
        """
        return self._run(self._flows.metrics(evaluation, _names(metric), k))

    def compare(
        self,
        baseline: Side,
        candidate: Side | Sequence[Side],
        benchmark: str | None = None,
        k: int | Sequence[int] | None = None,
        *,
        allow_differences: bool = False,
        margin: float | None = None,
        metric: str | None = None,
    ) -> ComparisonTable:
        """Compare checkpoints with one of them, paired by problem.

        Args:
            baseline: RUN or RUN@STEP (RUN alone: its newest evaluated step), or a job.
            candidate: the same; several may be given. Holm's correction covers every candidate and
                k that is named, on every benchmark that they share with the baseline.
            benchmark: show only this one; all shared ones by default.
            k: of the metric; one or several, all useful ones by default.
            allow_differences: compare unlike evaluations on the problems that both have, and say
                so in `notes`.
            margin: differences below this fraction count as equivalent; the server's by default.
            metric: a registered metric that has a test; pass@k by default.
        """
        return self._run(
            self._flows.compare(
                baseline,
                candidate,
                benchmark=benchmark,
                k=k,
                allow_differences=allow_differences,
                margin=margin,
                metric=metric,
            )
        )

    def claim(
        self,
        baseline: Side | None = None,
        candidate: Side | None = None,
        *,
        baseline_method: str | None = None,
        candidate_method: str | None = None,
        benchmarks: str | Sequence[str] | None = None,
        k: int = 1,
        weights: Mapping[str, float] | None = None,
        alpha: float = 0.05,
        test: str = "permutation",
        step: int | None = None,
        base_model: str | None = None,
    ) -> Claim:
        """Is one method, or one checkpoint, better than another over several benchmarks?

        Args:
            baseline: RUN or RUN@STEP, or a job; likewise `candidate`. Or, in their place:
            baseline_method: a method with all its runs, as "GRPO"; likewise `candidate_method`.
            benchmarks: which; those that all runs have by default.
            k: of pass@k.
            weights: one for each benchmark; equal by default.
            alpha: size of the two-sided tests.
            test: for several runs: "permutation", or "welch", which assumes normal scores.
            step: for methods, only checkpoints of it; each run's newest by default.
            base_model: for methods, only runs that were trained from it.
        """
        return self._run(
            self._flows.claim(
                baseline,
                candidate,
                baseline_method,
                candidate_method,
                benchmarks=benchmarks,
                weights=weights,
                settings={
                    "k": k,
                    "alpha": alpha,
                    "test": test,
                    "step": step,
                    "base_model": base_model,
                },
            )
        )

    def power(
        self,
        run: str,
        benchmark: str,
        effect: float,
        *,
        find: str = "samples",
        k: int = 1,
        candidate: str | None = None,
        samples: int | None = None,
        problems: int | None = None,
        runs: int = 1,
        alpha: float = 0.05,
        target: float = 0.8,
        run_deviation: float = 0.0,
    ) -> PowerPlan:
        """How many samples, problems or runs it takes to see a difference.

        Args:
            run: the pilot, RUN or RUN@STEP; `candidate` is a pilot of the other side.
            benchmark: the benchmark.
            effect: the difference to detect, in (0, 1): 0.05 is 5 points.
            find: what to compute: "samples", "problems", "runs" or "power".
            k: of pass@k.
            samples: per problem, where they are not what is asked for; likewise `problems` (the
                pilot's by default) and `runs` (training runs per method).
            alpha: size of the two-sided test.
            target: the power wanted.
            run_deviation: standard deviation between training runs of a method, a fraction.
        """
        return self._run(
            self._flows.power(
                {
                    "run": run,
                    "benchmark": benchmark,
                    "effect": effect,
                    "find": find,
                    "k": k,
                    "candidate": candidate,
                    "samples": samples,
                    "problems": problems,
                    "runs": runs,
                    "alpha": alpha,
                    "target": target,
                    "run_deviation": run_deviation,
                }
            )
        )

    def samples(
        self,
        evaluation: str,
        problem: int | str | None = None,
        *,
        confidence: ConfidenceName | None = None,
    ) -> Samples:
        """The samples of an evaluation, fetched while you iterate.

        Args:
            evaluation: its id.
            problem: only of this problem: a number is a row index, a text is a problem's id.
            confidence: only those whose verdicts were reached so.
        """
        return Samples(self._iterate(self._flows.sample_pages(evaluation, problem, confidence)))

    def events(self, job: Job | str) -> Iterator[ServerEvent]:
        """The events of a job from its beginning until it has ended.

        A lost connection is resumed. Raises ServerError when the server refuses, or cannot be
        reached several times in a row.
        """
        stream = EventStream(self._attempts)
        while True:
            stream.start()
            try:
                with self._http.stream(
                    "GET", f"/v1/jobs/{job_id(job)}/events", **stream.options()
                ) as response:
                    if not response.is_success:
                        response.read()
                        raise refusal(response)
                    for line in response.iter_lines():
                        if (event := stream.feed(line)) is not None:
                            yield event
                return
            except httpx.TransportError as error:
                if (pause := stream.lost()) is None:
                    raise self._flows.unreachable(error) from error
                time.sleep(pause)

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """The JSON of any resource, as in `get("/v1/workers")`; its text where it is not JSON."""
        return self._run(self._flows.get(path, params))

    def post(
        self,
        path: str,
        body: Any = None,
        idempotency_key: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """Send JSON to any resource and return the answer's JSON."""
        return self._run(self._flows.post(path, body, idempotency_key, params))

    def delete(self, path: str) -> Any:
        """Remove a resource."""
        return self._run(self._flows.delete(path))

    def _run(self, flow: Flow[T]) -> T:
        running = Running(flow)
        while (step := running.step) is not None:
            running.resume(self._perform(step))
        return running.result

    def _iterate(self, flow: Flow[None]) -> Iterator[Any]:
        running = Running(flow)
        while (step := running.step) is not None:
            if isinstance(step, Found):
                yield step.value
                running.resume(None)
            else:
                running.resume(self._perform(step))

    def _perform(self, step: Step) -> Any:
        if isinstance(step, Wait):
            time.sleep(step.seconds)
        elif isinstance(step, Call):
            try:
                return self._http.request(step.method, step.path, **_options_of(step))
            except httpx.TransportError as error:
                return error
        return None


class AsyncClient(_Connection):
    """As `Client`, with coroutines: `await client.submit(...)`, `async for` over samples.

    Args:
        server: as of `Client`, like all that follow.
        key: the API key.
        timeout_seconds: limit for one request.
        attempts: how often a request is tried when the network or the server fails.
        transport: another way than the network.

    Examples:
        >>> import asyncio
        >>> from evalsvc import AsyncClient
        >>> async def values(*names: str) -> list[float]:
        ...     async with AsyncClient() as client:
        ...         tables = await asyncio.gather(*(client.results(None, n) for n in names))
        ...         return [row.value for table in tables for row in table]
        >>> all(0 <= value <= 1 for value in asyncio.run(values("smoke", "math")))
        True
    """

    def __init__(
        self,
        server: str | None = None,
        key: str | None = None,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        attempts: int = ATTEMPTS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(server, key, timeout_seconds, attempts)
        self._http = httpx.AsyncClient(**self._options, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def submit(
        self,
        checkpoint: Checkpoint,
        *,
        run: str,
        method: str | None = None,
        step: int = 0,
        benchmarks: Benchmarks,
        protocol: Any = "quick",
        idempotency_key: str | None = None,
        **settings: Any,
    ) -> Job:
        """As `Client.submit`."""
        request = job_request(
            checkpoint,
            run=run,
            method=method,
            step=step,
            benchmarks=benchmarks,
            protocol=protocol,
            **settings,
        )
        return await self.submit_request(request, idempotency_key)

    async def submit_request(
        self, request: "JobRequest", idempotency_key: str | None = None
    ) -> Job:
        """As `Client.submit_request`."""
        return await self._run(self._flows.submit(request, idempotency_key))

    async def job(self, job: Job | str) -> Job:
        """As `Client.job`."""
        return await self._run(self._flows.job(job))

    async def wait(
        self,
        job: Job | str,
        *,
        progress: bool | OnProgress = True,
        timeout_seconds: float | None = None,
        poll_seconds: float = POLL_SECONDS,
    ) -> Job:
        """As `Client.wait`."""
        with _showing(job, progress) as show:
            return await self._run(self._flows.wait(job, show, timeout_seconds, poll_seconds))

    async def cancel(self, job: Job | str) -> Job:
        """As `Client.cancel`."""
        return await self._run(self._flows.cancel(job))

    async def results(
        self,
        run: str | None = None,
        benchmark: str | None = None,
        *,
        step: int | None = None,
        job: Job | str | None = None,
        limit: int | None = None,
        metric: str | Sequence[str] = (),
    ) -> Table[ResultFigure]:
        """As `Client.results`."""
        return await self._run(
            self._flows.results(limit, _filters(run, benchmark, step, job), _names(metric))
        )

    async def evaluations(
        self,
        run: str | None = None,
        benchmark: str | None = None,
        *,
        step: int | None = None,
        job: Job | str | None = None,
        limit: int | None = None,
    ) -> Table[EvaluationResult]:
        """As `Client.evaluations`."""
        return await self._run(self._flows.evaluations(limit, _filters(run, benchmark, step, job)))

    async def evaluation(self, evaluation: str) -> EvaluationResult:
        """As `Client.evaluation`."""
        return await self._run(self._flows.evaluation(evaluation))

    async def metrics(
        self, evaluation: str, metric: str | Sequence[str] = (), k: Sequence[int] = ()
    ) -> Table[MetricRow]:
        """As `Client.metrics`."""
        return await self._run(self._flows.metrics(evaluation, _names(metric), k))

    async def compare(
        self,
        baseline: Side,
        candidate: Side | Sequence[Side],
        benchmark: str | None = None,
        k: int | Sequence[int] | None = None,
        *,
        allow_differences: bool = False,
        margin: float | None = None,
        metric: str | None = None,
    ) -> ComparisonTable:
        """As `Client.compare`."""
        return await self._run(
            self._flows.compare(
                baseline,
                candidate,
                benchmark=benchmark,
                k=k,
                allow_differences=allow_differences,
                margin=margin,
                metric=metric,
            )
        )

    async def claim(
        self,
        baseline: Side | None = None,
        candidate: Side | None = None,
        *,
        baseline_method: str | None = None,
        candidate_method: str | None = None,
        benchmarks: str | Sequence[str] | None = None,
        weights: Mapping[str, float] | None = None,
        **settings: Any,
    ) -> Claim:
        """As `Client.claim`; `settings` are its `k`, `alpha`, `test`, `step`, `base_model`."""
        return await self._run(
            self._flows.claim(
                baseline,
                candidate,
                baseline_method,
                candidate_method,
                benchmarks=benchmarks,
                weights=weights,
                settings=settings,
            )
        )

    async def power(self, run: str, benchmark: str, effect: float, **design: Any) -> PowerPlan:
        """As `Client.power`; `design` takes the same keyword arguments."""
        return await self._run(
            self._flows.power({"run": run, "benchmark": benchmark, "effect": effect, **design})
        )

    def samples(
        self,
        evaluation: str,
        problem: int | str | None = None,
        *,
        confidence: ConfidenceName | None = None,
    ) -> AsyncSamples:
        """As `Client.samples`, for `async for`."""
        return AsyncSamples(
            self._iterate(self._flows.sample_pages(evaluation, problem, confidence))
        )

    async def events(self, job: Job | str) -> AsyncIterator[ServerEvent]:
        """As `Client.events`, for `async for`."""
        stream = EventStream(self._attempts)
        while True:
            stream.start()
            try:
                async with self._http.stream(
                    "GET", f"/v1/jobs/{job_id(job)}/events", **stream.options()
                ) as response:
                    if not response.is_success:
                        await response.aread()
                        raise refusal(response)
                    async for line in response.aiter_lines():
                        if (event := stream.feed(line)) is not None:
                            yield event
                return
            except httpx.TransportError as error:
                if (pause := stream.lost()) is None:
                    raise self._flows.unreachable(error) from error
                await asyncio.sleep(pause)

    async def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """As `Client.get`."""
        return await self._run(self._flows.get(path, params))

    async def post(
        self,
        path: str,
        body: Any = None,
        idempotency_key: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """As `Client.post`."""
        return await self._run(self._flows.post(path, body, idempotency_key, params))

    async def delete(self, path: str) -> Any:
        """As `Client.delete`."""
        return await self._run(self._flows.delete(path))

    async def _run(self, flow: Flow[T]) -> T:
        running = Running(flow)
        while (step := running.step) is not None:
            running.resume(await self._perform(step))
        return running.result

    async def _iterate(self, flow: Flow[None]) -> AsyncIterator[Any]:
        running = Running(flow)
        while (step := running.step) is not None:
            if isinstance(step, Found):
                yield step.value
                running.resume(None)
            else:
                running.resume(await self._perform(step))

    async def _perform(self, step: Step) -> Any:
        if isinstance(step, Wait):
            await asyncio.sleep(step.seconds)
        elif isinstance(step, Call):
            try:
                return await self._http.request(step.method, step.path, **_options_of(step))
            except httpx.TransportError as error:
                return error
        return None


def _options_of(call: Call) -> dict[str, Any]:
    """httpx's arguments for a request."""
    options: dict[str, Any] = {"params": given(call.params), "headers": call.headers}
    if call.body is not None:
        options["json"] = call.body
    return options


def _names(metric: str | Sequence[str]) -> Sequence[str]:
    return [metric] if isinstance(metric, str) else metric


def _filters(
    run: str | None, benchmark: str | None, step: int | None, job: Job | str | None
) -> dict[str, Any]:
    wanted = job.id if isinstance(job, Job) else job
    return {"run": run, "benchmark": benchmark, "step": step, "job": wanted}


@contextlib.contextmanager
def _showing(job: Job | str, progress: bool | OnProgress) -> Iterator[OnProgress | None]:
    if callable(progress):
        yield progress
    elif progress:
        with job_progress(job.id if isinstance(job, Job) else job) as show:
            yield show
    else:
        yield None
