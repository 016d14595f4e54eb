-- What the daily work may do in the register, run by its owner after each `exchange register migrate`:
--   psql -U exchange -d exchange -f docker/grants.sql
-- The ledger can be read and added to, never changed: not even by an intruder who holds the daily role. Of other tables
-- the daily role may change the columns that steps write, and no others; what it may change, a signed line must tell.
-- No other role connects to this database, so that none can hold the locks by which writers take turns: to one more,
-- for monitoring say, grant CONNECT by hand behind this.
DO $$
DECLARE member text;
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    FOR member IN SELECT rolname FROM pg_roles WHERE rolname IN ('exchange_work', 'exchange_backup') LOOP
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), member);
    END LOOP;
END $$;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM exchange_work;
GRANT SELECT, INSERT ON ledger, ledger_head, batch, file, snapshot_use, answer_count, pickup TO exchange_work;
GRANT SELECT, INSERT ON review, release, clock_proposal, clock_stop, alert, missing_set, legal_hold, destruction TO exchange_work;
GRANT SELECT ON alembic_version TO exchange_work; -- `exchange health` tells whether the tables are this version's
GRANT SELECT, INSERT ON told, told_use, guard_evidence, guard_hold, conformance TO exchange_work;
GRANT SELECT, INSERT ON configuration, extension_proposal, review_block TO exchange_work;
GRANT SELECT, INSERT, DELETE ON sighting, told_withheld, asked_lately, uncollected TO exchange_work;
GRANT DELETE ON pickup TO exchange_work;
GRANT UPDATE (seq, hash, subtrees) ON ledger_head TO exchange_work;
GRANT UPDATE (state, cycle, period, purpose, legal_basis, letter, handler, items, objects_to, rows_in, rows_open, due_on,
    due_original, due_last, due_provisional, due_working_days, clock_stands, arrival, receipts_sent, refusal_code, refusal_row,
    refusal_column, stage) ON batch TO exchange_work;
GRANT UPDATE (state, version, decision, reason, note, decided_by, decided_at, returned_for, earlier,
    decided_with, held_by, held_until, as_before) ON review TO exchange_work;
GRANT UPDATE (digest) ON review_block TO exchange_work;
GRANT UPDATE (state, judged_by, judged_at, reason) ON release TO exchange_work;
GRANT UPDATE (decided_at, decided_by, approved, why) ON clock_proposal TO exchange_work;
GRANT UPDATE (decided_at, decided_by, approved, why) ON extension_proposal TO exchange_work;
GRANT UPDATE (started_at, started_by, started_note) ON clock_stop TO exchange_work;
GRANT UPDATE (sha256, told_at) ON configuration TO exchange_work;
GRANT UPDATE (told_at) ON alert TO exchange_work;
GRANT UPDATE (reminders, reminded_at, arrived_at) ON missing_set TO exchange_work;
GRANT UPDATE (released_at, released_by) ON legal_hold TO exchange_work;
GRANT UPDATE (done_at) ON destruction TO exchange_work;
GRANT UPDATE (generation, key, hashes, rows) ON told TO exchange_work;
GRANT UPDATE (hashes, confirmed_at, confirmed_by, batches) ON told_use TO exchange_work;
GRANT UPDATE (numbers, names, groups) ON guard_evidence TO exchange_work;
GRANT UPDATE (decision, decided_at, decided_by, reason) ON guard_hold TO exchange_work;
GRANT SELECT, INSERT, UPDATE, DELETE ON unfinished_set TO exchange_work;
