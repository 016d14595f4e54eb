"""The register (登记备案): every batch, every file's hash, every step with its time and actor; PostgreSQL."""

from exchange.register.batches import Batch, BatchFilter, Claim, FileRecord, Role, UnfinishedSet, numbered
from exchange.register.register import Register, open_register
from exchange.register.releases import Release, ReleaseState
from exchange.register.reviews import Decision, NewReview, Review, ReviewFilter, ReviewState
from exchange.register.states import State

__all__ = [
    "Batch",
    "BatchFilter",
    "Claim",
    "Decision",
    "FileRecord",
    "NewReview",
    "Register",
    "Release",
    "ReleaseState",
    "Review",
    "ReviewFilter",
    "ReviewState",
    "Role",
    "State",
    "UnfinishedSet",
    "numbered",
    "open_register",
]
