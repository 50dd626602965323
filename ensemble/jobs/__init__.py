"""Trainings in processes of their own: started by a screen or a command, seen by all, and outliving whoever asked."""

from ensemble.jobs.ledger import Job
from ensemble.jobs.running import cancel, job, jobs, log, start
from ensemble.jobs.settings import Settings

__all__ = ["Job", "Settings", "cancel", "job", "jobs", "log", "start"]
