"""The dispatcher's writes about shards. Each method is one transaction and waits for no worker.

Every write carries the dispatcher's epoch. A report about a shard that no longer belongs to this
epoch changes nothing, and the method's result says so. Once a later epoch has begun, no shard is
taken.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from evalsvc.conditions import merged, other_engine
from evalsvc.dispatch.sizing import kind_of, recut_if_needed
from evalsvc.dispatch.stopping import stop_if_known
from evalsvc.errors import Conflict
from evalsvc.specs import CheckpointSpec, Protocol, ShardResult, ShardSpec
from evalsvc.store.database import Database, Session
from evalsvc.store.models import Evaluation, Shard
from evalsvc.store.repositories import (
    checkpoints,
    demand,
    evaluations,
    events,
    jobs,
    results,
    shards,
    throughputs,
    workers,
)
from evalsvc.store.states import EvaluationState, ShardState

ENGINE_REMEDY = (
    "Install the former version again, or submit with --allow-engine-change "
    "(allow_engine_change=true) to add them; the figure then says so."
)


class Ledger:
    """The shards of one epoch. Use it from one thread at a time."""

    def __init__(self, database: Database, holder: str, *, shard_target_seconds: float) -> None:
        """Begin a new epoch. Shards that earlier epochs left running become ready again."""
        self._database = database
        self._target_seconds = shard_target_seconds
        with database.write() as session:
            self.epoch, self.follows_a_crash = workers.begin_epoch(session, holder)
            left = shards.running_before(session, self.epoch)
            changed = evaluations.lock(session, {shard.evaluation_id for shard in left})
            for shard in left:
                shards.put_back(session, shard.id, shard.epoch or 0)
            demand.release(session, changed)  # a job may have been cancelled in the meantime
            evaluations.settle(session, changed)
            jobs.settle(session, changed)
            events.record(session, "dispatcher.started", epoch=self.epoch, put_back=len(left))

    def take(self, evaluation_id: str, worker_ids: Sequence[str], slots: int) -> list[ShardSpec]:
        """Take the evaluation's next ready shards, one per worker; fewer if they run out.

        `slots` is how many shards all workers together run at a time. Raises Conflict if another
        dispatcher took over.
        """
        with self._database.write() as session:
            self._must_lead(session)
            (evaluation,) = evaluations.lock(session, [evaluation_id])
            ready = shards.first_ready(session, evaluation_id, len(worker_ids))
            if ready and recut_if_needed(
                session,
                evaluation,
                CheckpointSpec.model_validate(evaluation.checkpoint.spec),
                ready[0],
                target_seconds=self._target_seconds,
                slots=slots,
            ):
                ready = shards.first_ready(session, evaluation_id, len(worker_ids))
            return [
                self._send(session, evaluation, shard, worker_id)
                for shard, worker_id in zip(ready, worker_ids, strict=False)
            ]

    def take_one(self, shard_id: str, worker_id: str) -> ShardSpec | None:
        """Take this shard if it is still ready. Raises Conflict like `take`."""
        with self._database.write() as session:
            self._must_lead(session)
            shard = shards.get(session, shard_id)
            if shard is None:
                return None
            (evaluation,) = evaluations.lock(session, [shard.evaluation_id])
            if shards.reload(session, shard).state != ShardState.READY:
                return None
            return self._send(session, evaluation, shard, worker_id)

    def complete(self, result: ShardResult) -> bool:
        """Store a result and finish its shard. False if it came too late, or must not be added.

        Samples of another engine version fail their shard, unless a job asked to add them.
        """
        with self._changing(result.shard_id) as (session, evaluation, shard):
            demands = demand.of_evaluation(session, evaluation.id)
            why = other_engine(evaluation.provenance, result.provenance)
            if why and evaluation.samples_seen and not any(d.may_change_engine for d in demands):
                if result.epoch == self.epoch and shards.fail(
                    session, shard.id, self.epoch, error=why, remedy=ENGINE_REMEDY, deaths=0
                ):
                    _record_failure(session, evaluation, shard.id, why, ENGINE_REMEDY)
                return False
            values = {
                "artifact": result.artifact,
                "artifact_bytes": result.artifact_bytes,
                "artifact_sha256": result.artifact_sha256,
                "output_tokens": result.output_tokens,
                "seconds": result.seconds,
                "samples_done": shard.size,
            }
            if result.epoch != self.epoch or not shards.finish(
                session, shard.id, self.epoch, values
            ):
                return False
            results.add(session, evaluation, shard.sample_start, result.tallies)
            evaluation.verifier = result.verifier
            evaluation.provenance = merged(evaluation.provenance, result.provenance)
            checkpoint = CheckpointSpec.model_validate(evaluation.checkpoint.spec)
            throughputs.measured(
                session,
                kind_of(evaluation, checkpoint),
                samples=shard.size,
                tokens=result.output_tokens,
                seconds=result.seconds,
            )
            for wanted in demands:
                events.record(
                    session,
                    "shard.done",
                    job_id=wanted.job_id,
                    evaluation_id=evaluation.id,
                    shard_id=shard.id,
                    samples=shard.size,
                )
            if any(wanted.may_stop_early for wanted in demands):
                stop_if_known(session, evaluation)
            return True

    def put_back(self, shard_id: str) -> bool:
        """Make a shard ready again without counting a failure."""
        with self._changing(shard_id) as (session, _, shard):
            return shards.put_back(session, shard.id, self.epoch)

    def put_back_for_retry(
        self, shard_id: str, error: str, remedy: str, *, died: bool
    ) -> int | None:
        """Make a shard ready to run alone. Returns its deaths so far; None if it is not ours."""
        with self._changing(shard_id) as (session, evaluation, shard):
            if not shards.put_back(
                session, shard.id, self.epoch, deaths=int(died), error=error, remedy=remedy
            ):
                return None
            shards.reload(session, shard)
            events.record(
                session,
                "shard.retried",
                evaluation_id=evaluation.id,
                shard_id=shard.id,
                deaths=shard.deaths,
                error=error,
            )
            return shard.deaths

    def deaths(self, shard_id: str) -> int:
        """Count the workers that died while they ran this shard."""
        with self._database.read() as session:
            return shards.deaths(session, shard_id)

    def has_failed(self, shard_id: str) -> bool:
        """Whether the shard has failed for good."""
        with self._database.read() as session:
            shard = shards.get(session, shard_id)
            return shard is not None and shard.state == ShardState.FAILED

    def fail(self, shard_id: str, error: str, remedy: str, *, died: bool = False) -> bool:
        """Fail the shard for good. The rest of its evaluation continues."""
        with self._changing(shard_id) as (session, evaluation, shard):
            if not shards.fail(
                session, shard.id, self.epoch, error=error, remedy=remedy, deaths=int(died)
            ):
                return False
            _record_failure(session, evaluation, shard.id, error, remedy)
            return True

    def fail_evaluation(
        self, shard_id: str, error: str, remedy: str, *, died: bool = False
    ) -> list[str]:
        """Fail the shard and all ready shards of its evaluation, which share the cause.

        Returns the ids of the ready shards. Shards that are still running may yet succeed, or
        fail on their own.
        """
        with self._changing(shard_id) as (session, evaluation, shard):
            if not shards.fail(
                session, shard.id, self.epoch, error=error, remedy=remedy, deaths=int(died)
            ):
                return []
            _record_failure(session, evaluation, shard.id, error, remedy)
            ready = shards.of_evaluation(session, evaluation.id, [ShardState.READY])
            ids = [other.id for other in ready]
            shards.end_ready(session, ids, ShardState.FAILED, error, remedy)
            return ids

    def has_result(self, shard_id: str) -> bool:
        """Whether any shard of the same evaluation has produced samples."""
        with self._database.read() as session:
            return shards.evaluation_has_samples(session, shard_id)

    def cancelled(self, shard_id: str) -> bool:
        """A worker cancelled the shard. It becomes ready again if a new job wants it."""
        with self._changing(shard_id) as (session, evaluation, shard):
            unwanted = demand.unwanted(session, evaluation.id, ShardState.RUNNING)
            if shard.id in {other.id for other in unwanted}:
                return shards.cancel(session, shard.id, self.epoch)
            return shards.put_back(session, shard.id, self.epoch)

    def unwanted(self, job_ids: Collection[str]) -> list[str]:
        """The running shards of these cancelled jobs that no other job wants."""
        with self._database.read() as session:
            ids = {e for job_id in job_ids for e in jobs.evaluation_ids(session, job_id)}
            return [
                shard.id
                for evaluation_id in ids
                for shard in demand.unwanted(session, evaluation_id, ShardState.RUNNING)
            ]

    def _must_lead(self, session: Session) -> None:
        """Refuse to take shards after a takeover: nobody would put them back."""
        if not workers.leads(session, self.epoch):
            raise Conflict(
                "Another dispatcher has taken over this database.",
                "Nothing is lost: it put back the shards that ran here. Stop one of the two.",
            )

    def _send(
        self, session: Session, evaluation: Evaluation, shard: Shard, worker_id: str
    ) -> ShardSpec:
        shards.take(shard, worker_id, self.epoch)
        jobs.start(session, [evaluation.id])
        if evaluation.state != EvaluationState.RUNNING:
            evaluations.settle(session, [evaluation])
        return ShardSpec(
            shard_id=shard.id,
            evaluation_id=evaluation.id,
            epoch=self.epoch,
            attempt=shard.attempts,
            checkpoint=checkpoints.newest_spec(session, evaluation.checkpoint.fingerprint),
            benchmark=evaluation.benchmark,
            benchmark_revision=evaluation.revision.revision,
            protocol=Protocol.model_validate(evaluation.protocol),
            engine=evaluation.engine,
            engine_options=evaluation.engine_options,
            problems=tuple(shard.problems),
            sample_start=shard.sample_start,
            sample_stop=shard.sample_stop,
            artifact=shards.transcript_name(shard),
        )

    @contextmanager
    def _changing(self, shard_id: str) -> Iterator[tuple[Session, Evaluation, Shard]]:
        """A transaction on one shard with its evaluation locked. Updates dependent states last."""
        with self._database.write() as session:
            shard = shards.get(session, shard_id)  # its state may change until the lock is taken
            assert shard is not None, "shards are only removed while they are ready"
            (evaluation,) = locked = evaluations.lock(session, [shard.evaluation_id])
            yield session, evaluation, shard
            evaluations.settle(session, locked)
            jobs.settle(session, locked)


def _record_failure(
    session: Session, evaluation: Evaluation, shard_id: str, error: str, remedy: str
) -> None:
    for wanted in demand.of_evaluation(session, evaluation.id):
        events.record(
            session,
            "shard.failed",
            job_id=wanted.job_id,
            evaluation_id=evaluation.id,
            shard_id=shard_id,
            error=error,
            remedy=remedy,
        )
