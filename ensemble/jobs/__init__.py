"""Trainings, batches and comparisons in processes of their own: they outlive whoever asked."""

from ensemble.jobs.ledger import Job
from ensemble.jobs.running import are_kept, cancel, job, jobs, log, start

__all__ = ["Job", "are_kept", "cancel", "job", "jobs", "log", "start"]
