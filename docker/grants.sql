-- What the daily work may do in the register, run by its owner after each `exchange register migrate`:
--   psql -U exchange -d exchange -f docker/grants.sql
-- The ledger can be read and added to, never changed: not even by an intruder who holds the daily role.
GRANT SELECT, INSERT ON ledger, file, snapshot_use, answer_count TO exchange_work;
GRANT SELECT, INSERT, UPDATE ON batch, ledger_head, review, release, clock_stop, alert, missing_set TO exchange_work;
GRANT SELECT, INSERT, UPDATE ON legal_hold, destruction, told, guard_evidence, guard_hold, told_use TO exchange_work;
GRANT SELECT, INSERT, DELETE ON pickup, sighting, told_withheld TO exchange_work;
GRANT SELECT, INSERT, UPDATE, DELETE ON unfinished_set TO exchange_work;
