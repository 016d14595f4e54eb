"""The register (登记备案): every batch, every file's hash, every step with its time and actor; PostgreSQL."""

from exchange.register.alerts import Alert, NewAlert
from exchange.register.batches import (
    Batch,
    BatchFilter,
    Claim,
    FileRecord,
    Role,
    Step,
    UnfinishedSet,
    file_of,
    numbered,
)
from exchange.register.clock import Stop
from exchange.register.leaving import Attested
from exchange.register.missing import MissingSet
from exchange.register.pickups import Pickup, PickupEvidence, UncollectedResult
from exchange.register.queued import DecidedBefore, NewReview
from exchange.register.register import Register, open_register
from exchange.register.releases import Release, ReleaseSummary
from exchange.register.reviews import Decision, Review, ReviewFilter, unqueued
from exchange.register.signing import LedgerKey
from exchange.register.states import ReleaseState, ReviewState, State

__all__ = [
    "Alert",
    "Attested",
    "Batch",
    "BatchFilter",
    "Claim",
    "DecidedBefore",
    "Decision",
    "FileRecord",
    "LedgerKey",
    "MissingSet",
    "NewAlert",
    "NewReview",
    "Pickup",
    "PickupEvidence",
    "Register",
    "Release",
    "ReleaseState",
    "ReleaseSummary",
    "Review",
    "ReviewFilter",
    "ReviewState",
    "Role",
    "State",
    "Step",
    "Stop",
    "UncollectedResult",
    "UnfinishedSet",
    "file_of",
    "numbered",
    "open_register",
    "unqueued",
]
