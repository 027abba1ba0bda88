"""The bell as Celery on RabbitMQ: a message is a job's id and nothing else.

One process is one worker, with one store and one reader (``solo``): a read runs in the process that
answers the bell, so there is nothing to hand between a parent and its children, and whoever kills the
process kills all of it. More processes read more. What guarantees one report is the lease on the row;
a bell is only a reason to look.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from amqp.exceptions import MessageNacked
from celery import Celery, signals
from celery.worker import state
from kombu.entity import Exchange, Queue
from kombu.exceptions import OperationalError

from gem_integration.domain.reading import Priority
from gem_integration.errors import Unavailable
from gem_integration.observability import Event, log_event
from gem_integration.storage.due import DueRead
from workers.desk import leave_within
from workers.tasks import Worker, log_waiting, read_while_due

RING = "gem_integration.read_due"
APP_NAME = "gem_integration"
QUEUE_PREFIX = "gem-integration.reads"
#: A queue nobody uses for a week, such as that of a reader long replaced, is removed by the broker.
QUEUE_IDLE_MS_MAX = 7 * 24 * 3600 * 1000
#: AMQP priorities of classic queues; quorum queues ignore ``x-max-priority``.
PRIORITIES = {Priority.STAT: 1, Priority.ROUTINE: 0}
CONNECT_SECONDS_MAX = 4.0
CONFIRM_SECONDS_MAX = 10.0
#: About half an hour of growing pauses; then the process ends and whoever runs it starts another.
CONNECT_ATTEMPTS_MAX = 60
EXIT_DEFECT = 70  # EX_SOFTWARE of sysexits.h
NOT_RUNG = "the broker did not take the bell: check that it runs, its address, its disk and memory alarms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bell:
    """Where the broker is, how long we wait for its word, and how long a bell nobody heard is kept.

    Times are in seconds. ``bell_lives_s`` is best the time after which the dispatcher rings again.
    """

    broker_url: str = field(repr=False)
    bell_lives_s: float = 30.0
    queue_prefix: str = QUEUE_PREFIX


def queue_of(reader_key: str, *, prefix: str = QUEUE_PREFIX) -> str:
    """Return the name of the queue of a reader; its versions share one."""
    name = reader_key.partition("|")[0]
    return f"{prefix}.{re.sub(r'[^A-Za-z0-9_-]+', '-', name)[:60]}"


def make_app(bell: Bell) -> Celery:
    """Return a Celery application that keeps to the bell's rules; nothing is connected yet."""
    app = Celery(APP_NAME, broker=bell.broker_url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        broker_connection_max_retries=CONNECT_ATTEMPTS_MAX,
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=CONNECT_SECONDS_MAX,
        # A worker that reads answers no heartbeat; TCP tells when the broker's machine is gone.
        broker_heartbeat=0,
        broker_transport_options={"confirm_publish": True},
        enable_utc=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_create_missing_queues=False,
        task_ignore_result=True,
        task_publish_retry_policy={"max_retries": 1, "interval_start": 0.2, "interval_max": 0.2},
        task_serializer="json",
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_prefetch_multiplier=1,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
    )
    return app


def make_ring(app: Celery, bell: Bell) -> Callable[[DueRead], None]:
    """Return what rings for a due job over ``app``; it raises ``Unavailable`` when the broker is away."""

    def ring(job: DueRead) -> None:
        try:
            app.send_task(
                RING,
                args=(str(job.job_id),),
                queue=_queue(queue_of(job.reader_key, prefix=bell.queue_prefix)),
                priority=PRIORITIES[job.priority],
                expiration=bell.bell_lives_s,
                confirm_timeout=CONFIRM_SECONDS_MAX,
                ignore_result=True,
            )
        except (OperationalError, MessageNacked, OSError) as error:
            raise Unavailable(NOT_RUNG, kind=type(error).__name__) from error

    return ring


def answer(app: Celery, bell: Bell, worker: Worker, *, drain_seconds: float) -> int:
    """Answer the bell with this process until a signal or a defect stops it; return its exit status.

    SIGTERM lets the read in progress end, and hands back the rest, within ``drain_seconds``.
    """
    name = queue_of(worker.reader.identity.key, prefix=bell.queue_prefix)
    app.conf.task_queues = [_queue(name)]
    add_task(app, worker)

    def leave(**_: object) -> None:
        leave_within(drain_seconds, worker.desk, worker.store)

    signals.worker_shutting_down.connect(leave, weak=False)
    signals.setup_logging.connect(_keep_logging, weak=False)
    program = app.Worker(
        hostname=worker.holder,
        pool_cls="solo",
        concurrency=1,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    log_event(Event.WORKER_STARTED, source=name, reader=worker.reader.identity.name)
    program.start()
    status = int(program.exitcode or 0)
    log_event(Event.WORKER_STOPPED, level=logging.ERROR if status else logging.INFO, count=status)
    return status


def add_task(app: Celery, worker: Worker) -> None:
    """Let ``app`` answer the bell by what is due for ``worker``; the id on the bell is only a hint."""

    def read_what_is_due(job_id: str) -> None:
        log_event(Event.WORKER_RUNG, level=logging.DEBUG, job_id=job_id)
        try:
            read_while_due(worker)
        except Unavailable as error:
            log_waiting(error)  # the rows stay due: the dispatcher rings again

    # Not shared: another application of this process would answer for this one's worker.
    app.task(name=RING, on_failure=_stop_on_defect, shared=False)(read_what_is_due)


def _stop_on_defect(*_: object) -> None:
    state.should_stop = EXIT_DEFECT


def _queue(name: str) -> Queue:
    arguments = {"x-max-priority": max(PRIORITIES.values()), "x-expires": QUEUE_IDLE_MS_MAX}
    exchange = Exchange(QUEUE_PREFIX, type="direct")  # type: ignore[no-untyped-call]
    return Queue(name, exchange, routing_key=name, queue_arguments=arguments)  # type: ignore[no-untyped-call]


def _keep_logging(**_: object) -> None:
    """Keep Celery from setting up logging: ours lets no patient data through."""
