"""A register of so many ended and open batches, written by SQL: as the steps leave it, its lines as wide,
but signed by nobody.

Rules: the ended ones came over 180 days, the open ones over the last 9; each has the ledger's lines with the facts that
pages and reports read; a fifth of the ended ones had a release of two rows that an officer looked at; the open ones are
accepted, sealed, delivered (with rows in queue, in releases and without a source), or claimed and not judged.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Engine, text

from exchange.demo.world import PARTNERS

_BATCHES: Final = """
CREATE TEMP TABLE made AS
SELECT n, n > :ended AS open, partners[1 + n % cardinality(partners)] AS partner,
    partners[1 + n % cardinality(partners)] || '.bench-' || n AS id,
    now() - CASE WHEN n <= :ended THEN interval '10 days' + n * interval '170 days' / :ended
        ELSE n % 2000 * interval '6 minutes' END AS at,
    CASE WHEN n <= :ended THEN 'closed' WHEN n % 20 = 0 THEN 'claimed' WHEN n % 20 < 5 THEN 'accepted'
        WHEN n % 20 = 5 THEN 'sealed' ELSE 'delivered' END AS state,
    n <= :ended AND n % 5 = 0 OR n > :ended AND n % 20 > 9 AS reviewed
FROM generate_series(1, :ended + :open) AS n, (SELECT CAST(:partners AS text[]) AS partners) AS those
"""
_REGISTER: Final = """
INSERT INTO batch (id, partner, manifest_sha256, state, received_at, items, due_provisional, cycle, period, purpose,
    legal_basis, letter, handler, rows_in, rows_open, due_on, due_original, due_working_days)
SELECT id, partner, :manifest, state, at, ARRAY['id_number', 'name', 'sex'], false, 'ad_hoc', at::date::text,
    'case_handling', 'case_handling_286', 'letter ' || n, 'handler', 100, CASE WHEN open THEN 4 ELSE 0 END,
    at::date + 7, at::date + 7, 5
FROM made WHERE state <> 'claimed';
INSERT INTO batch (id, partner, manifest_sha256, state, received_at, items, due_provisional)
SELECT id, partner, :manifest, state, at, ARRAY[]::text[], false FROM made WHERE state = 'claimed';
INSERT INTO answer_count (batch_id, item, code, n)
SELECT id, item, code, 25 FROM made CROSS JOIN unnest(ARRAY['identity', 'name', 'sex']) AS item
CROSS JOIN unnest(ARRAY['consistent', 'inconsistent', 'under_review']) AS code WHERE state IN ('delivered', 'closed');
INSERT INTO answer_count (batch_id, item, code, n)
SELECT id, 'criminal_record', 'source_not_ready', 2 FROM made WHERE state = 'delivered' AND n % 7 = 0;
INSERT INTO review (batch_id, row, division, causes, state, version, decision, reason, decided_by, decided_at)
SELECT id, row, '220100', ARRAY['identity'], CASE WHEN state = 'closed' THEN 'released' ELSE 'open' END, 1,
    CASE WHEN state = 'closed' THEN '{"name": "consistent"}' END, CASE WHEN state = 'closed' THEN 'archive' END,
    CASE WHEN state = 'closed' THEN 'p-officer' END, CASE WHEN state = 'closed' THEN at + interval '1 day' END
FROM made CROSS JOIN generate_series(1, 2) AS row WHERE reviewed;
INSERT INTO release (batch_id, number, state, rows, counts, settled, needs_approval, proposed_at)
SELECT id, 1, CASE WHEN state = 'closed' THEN 'delivered' ELSE 'proposed' END, ARRAY[1, 2], '{}',
    '{"identity": {"consistent": 2}, "name": {"inconsistent": 2}}', true, at + interval '1 day'
FROM made WHERE reviewed;
INSERT INTO pickup (batch_id, number, noticed_at, how) SELECT id, 1, at + interval '1 hour', 'removed'
FROM made WHERE state = 'closed'
"""
_LEDGER: Final = """
INSERT INTO ledger (seq, batch_id, from_state, to_state, at, actor, facts, previous_hash, hash,
    digests, root, signature)
SELECT row_number() OVER (ORDER BY at + after, n), id, from_state, to_state, at + after, actor, told.facts,
    hashed, hashed,
    json_build_object('answer_count', hashed, 'batch', hashed, 'clock_stop', hashed, 'file', hashed, 'pickup', hashed,
        'release', hashed, 'review', hashed, 'snapshot_use', hashed), left(hashed, 44), hashed || left(hashed, 24)
FROM made CROSS JOIN LATERAL (SELECT md5(id) || md5('l' || id) AS hashed) AS hashes CROSS JOIN LATERAL (VALUES
    (interval '0', NULL, 'claimed', 'collect', 'every', json_build_object('partner', partner, 'manifest_sha256',
        CAST(:manifest AS text), 'received_at', at, 'file.request', md5(id), 'file.signature', md5('s' || id))),
    ('2 seconds', 'claimed', 'accepted', 'receive', 'judged', json_build_object('cycle', 'ad_hoc', 'rows_in', '100',
        'due_on', at::date + 7, 'due_original', at::date + 7, 'due_working_days', '5', 'purpose', 'case_handling',
        'letter', 'letter ' || n, 'handler', 'handler', 'file.agreement', md5(partner))),
    ('30 seconds', 'accepted', 'sealed', 'process', 'sealed', json_build_object('rows_open', '4', 'file.result',
        md5('r' || id), 'count.identity', '75', 'count.name', '75')),
    ('40 seconds', 'sealed', 'delivered', 'deliver', 'sent', '{}'),
    ('1 hour', 'delivered', 'delivered', 'pickup', 'sent', '{"pickup.1": "removed"}'),
    ('20 hours', 'delivered', 'delivered', 'p-officer', 'reviewed', '{"opened": "1,2"}'),
    ('21 hours', 'delivered', 'delivered', 'p-officer', 'reviewed', '{"review.1": "decided", "review.2": "decided"}'),
    ('1 day', 'delivered', 'delivered', 'p-officer', 'reviewed', '{"release.1": "proposed 2"}'),
    ('26 hours', 'delivered', 'delivered', 'p-leader', 'left', '{"release.1": "approved"}'),
    ('27 hours', 'delivered', 'delivered', 'release', 'left', '{"release.1": "delivered", "rows_open": "0"}'),
    ('28 hours', 'delivered', 'closed', 'release', 'closed', '{}')
) AS told (after, from_state, to_state, actor, whose, facts)
WHERE whose = 'every' OR whose = 'judged' AND state <> 'claimed'
    OR whose = 'sealed' AND state IN ('sealed', 'delivered', 'closed')
    OR whose = 'sent' AND state IN ('delivered', 'closed')
    OR whose = 'reviewed' AND reviewed OR whose = 'left' AND reviewed AND NOT open OR whose = 'closed' AND NOT open
"""


def fill(engine: Engine, ended: int, still_open: int, manifest: str) -> None:
    """Fills an empty register. ``manifest``: SHA-256 of the manifest that all name."""
    given = {"ended": ended, "open": still_open, "manifest": manifest, "partners": [each.id for each in PARTNERS]}
    with engine.begin() as connection:
        for statement in (_BATCHES, *_REGISTER.split(";\n"), _LEDGER):
            named = {name: value for name, value in given.items() if f":{name}" in statement}
            connection.execute(text(statement), named)
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
