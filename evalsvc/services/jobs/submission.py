"""Submission: from a request to a job, its evaluations and their shards, in one transaction.

Samples are never generated twice: shards are planned only for samples that are neither stored
nor planned. A job whose samples all exist is done at once.
"""

from functools import partial

from evalsvc.dispatch import planner, stopping
from evalsvc.errors import Conflict
from evalsvc.services.benchmarks.traits import traits_of_dataset
from evalsvc.services.jobs.resolution import Preparation, PreparedEvaluation, PreparedJob
from evalsvc.specs import JobRequest, content_hash
from evalsvc.store.database import Session
from evalsvc.store.identifiers import new_id
from evalsvc.store.models import Checkpoint, Evaluation, Job, JobEvaluation
from evalsvc.store.repositories import (
    checkpoints,
    evaluations,
    events,
    jobs,
    results,
    revisions,
    runs,
    shards,
    throughputs,
)
from evalsvc.store.repositories.shards import Slice
from evalsvc.store.states import LOST_SHARDS, OPEN_SHARDS

SHARDS_AT_LEAST = 8  # per evaluation that is not tiny: the number of workers is not known yet


def submit(
    session: Session,
    request: JobRequest,
    *,
    owner: str,
    idempotency_key: str | None,
    preparation: Preparation,
) -> Job:
    """Check the request and store the job, in the caller's transaction.

    The same owner's idempotency key returns the same job again. Raises Conflict when its body
    differed, and the errors of `Preparation.prepare`.
    """
    prepared = preparation.prepare(request)
    target_seconds = preparation.settings.shard_target_seconds
    return place(session, prepared, owner, idempotency_key, target_seconds)


def place(
    session: Session,
    prepared: PreparedJob,
    owner: str,
    idempotency_key: str | None,
    shard_target_seconds: float,
) -> Job:
    """Store a prepared job. Raises Conflict for a known idempotency key with another body."""
    request_hash = content_hash(prepared.request.model_dump(mode="json"))
    if idempotency_key is not None:
        known = jobs.by_key(session, owner, idempotency_key)
        if known is not None:
            return _same(known, request_hash)
    stopping.check(session, prepared.request)
    checkpoint = _checkpoint(session, prepared)
    identifier = new_id()
    job = jobs.insert(
        session,
        Job(
            id=identifier,
            owner=owner,
            idempotency_key=idempotency_key,
            request=prepared.request.model_dump(mode="json"),
            request_hash=request_hash,
            priority=prepared.request.priority,
            checkpoint_id=checkpoint.id,
        ),
    )
    if job.id != identifier:
        return _same(job, request_hash)
    events.record(session, "job.submitted", job_id=job.id, owner=owner)
    found = _evaluations(session, prepared, checkpoint, job)
    has_new_shards = [
        _plan(session, found[part.id], part, prepared, shard_target_seconds)
        for part in prepared.evaluations
    ]
    evaluations.settle(session, [evaluation for evaluation, is_new in found.values() if not is_new])
    if not any(has_new_shards):
        jobs.settle_one(session, job.id)
    return job


def _same(job: Job, request_hash: str) -> Job:
    if job.request_hash != request_hash:
        raise Conflict(
            f"The Idempotency-Key {job.idempotency_key!r} was used for another request "
            f"(job {job.id}).",
            "Send the same body again, or use a new key for a new job.",
        )
    return job


def _checkpoint(session: Session, prepared: PreparedJob) -> Checkpoint:
    request = prepared.request
    run = runs.find_or_create(
        session,
        request.run,
        method=request.method,
        base_model=request.base_model,
        train_seed=request.train_seed,
        config=request.config,
    )
    return checkpoints.find_or_create(session, run, request.step, prepared.checkpoint)


def _evaluations(
    session: Session, prepared: PreparedJob, checkpoint: Checkpoint, job: Job
) -> dict[str, tuple[Evaluation, bool]]:
    """The job's evaluations, locked in the order of their ids, and which of them are new."""
    found = {}
    for part in sorted(prepared.evaluations, key=lambda part: part.id):
        revision = revisions.find_or_create(
            session, part.benchmark, part.dataset.revision, partial(traits_of_dataset, part.dataset)
        )
        samples, problems = part.protocol.samples, len(part.wanted)
        wanted = Evaluation(
            id=part.id,
            checkpoint_id=checkpoint.id,
            revision_id=revision.id,
            benchmark=part.benchmark,
            protocol=part.protocol.model_dump(mode="json"),
            protocol_hash=part.protocol.hash,
            engine=prepared.engine,
            engine_options=prepared.request.engine_options,
            samples_wanted=samples,
            problems_wanted=problems,
        )
        evaluation, is_new = evaluations.find_or_create(session, wanted)
        evaluation.samples_wanted = max(evaluation.samples_wanted, samples)
        evaluation.problems_wanted = max(evaluation.problems_wanted, problems)
        found[part.id] = evaluation, is_new
    parts = (
        JobEvaluation(
            job_id=job.id,
            ordinal=ordinal,
            evaluation_id=part.id,
            samples=part.protocol.samples,
            ks=list(part.protocol.ks),
            problems=None if part.problems is None else list(part.problems),
        )
        for ordinal, part in enumerate(prepared.evaluations)
    )
    jobs.add_parts(session, parts)
    return found


def _plan(
    session: Session,
    found: tuple[Evaluation, bool],
    part: PreparedEvaluation,
    prepared: PreparedJob,
    target_seconds: float,
) -> bool:
    """Retry lost shards that the job wants, and add shards for missing samples.

    `found` says whether the evaluation is new. True when some were added.
    """
    evaluation, is_new = found
    samples, wanted = part.protocol.samples, frozenset(part.wanted)
    there = (
        [] if is_new else shards.of_evaluation(session, evaluation.id, OPEN_SHARDS + LOST_SHARDS)
    )
    planned = []
    for shard in there:
        if shard.state in OPEN_SHARDS:
            planned.append(shard)
        elif shard.sample_start < samples and not wanted.isdisjoint(shard.problems):
            shards.revive(shard)
            planned.append(shard)
    covered = planner.covered_by(
        (Slice(tuple(s.problems), s.sample_start, s.sample_stop) for s in planned),
        results.read_sampled(session, evaluation.id) if evaluation.samples_seen else {},
    )
    kind = throughputs.ShardKind(
        engine=prepared.engine,
        architecture_hash=prepared.checkpoint.architecture_hash,
        benchmark=part.benchmark,
        max_tokens=part.protocol.max_tokens,
    )
    rate = throughputs.samples_per_second(session, kind)
    target = min(
        planner.target_for(rate, target_seconds),
        planner.share_of(samples * len(wanted), SHARDS_AT_LEAST),
    )
    pieces = planner.plan(part.wanted, samples, covered, target)
    start = 0 if is_new else shards.next_ordinal(session, evaluation.id)
    shards.add(session, evaluation.id, pieces, start)
    return bool(pieces)
