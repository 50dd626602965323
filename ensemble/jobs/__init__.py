"""Trainings in processes of their own: started by a screen or a command, seen by all, and outliving whoever asked."""

from ensemble.jobs.ledger import Job
from ensemble.jobs.running import cancel, job, jobs, log, start

__all__ = ["Job", "cancel", "job", "jobs", "log", "start"]
