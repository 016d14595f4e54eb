"""The register (登记备案): every batch, every file's hash, every step with its time and actor; PostgreSQL."""

from exchange.register.batches import Batch, BatchFilter, Claim, FileRecord, Role, UnfinishedSet
from exchange.register.register import Register, open_register
from exchange.register.states import State

__all__ = [
    "Batch",
    "BatchFilter",
    "Claim",
    "FileRecord",
    "Register",
    "Role",
    "State",
    "UnfinishedSet",
    "open_register",
]
