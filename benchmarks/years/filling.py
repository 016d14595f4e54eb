"""A register of years, written by SQL as the steps leave it, then signed line by line (``signing.py``), so that whoever
attests a batch, and ``exchange register verify``, finds it sound.

Rules
- A tenth of the ended batches was refused. Of the others a fifth had rows that an officer looked at and a release, one
  in thirty was never taken, one in fifty was late and has an alert; what ended over a year ago is destroyed.
- A fifth of all batches is of five busy partners, the others' are spread evenly.
- Of the open ones one in ten is claimed and not judged, two are accepted, the others delivered with rows in the queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Engine, insert, text

from exchange.register import asked_lately, review_blocks, uncollected
from exchange.register.database import transaction
from exchange.register.models import Base

_MADE: Final = """
CREATE UNLOGGED TABLE made AS
SELECT *, partner || '.' || n AS id, CASE WHEN over THEN last_day ELSE NULL END AS ended_at,
    state IN ('delivered', 'closed') AND (n % 5 = 1 OR NOT over) AS reviewed,
    md5(n::text) || md5('x' || n) AS hashed
FROM (
    SELECT n, n <= :ended AS over, date_trunc('second', at) AS at, date_trunc('second', at) + CASE WHEN n % 50 = 2
        THEN interval '12 days' ELSE interval '28 hours' END AS last_day,
        CASE WHEN n % 5 = 0 THEN partners[1 + n / 5 % 5] ELSE partners[6 + n % (cardinality(partners) - 5)] END
            AS partner,
        CASE WHEN n <= :ended THEN CASE WHEN n % 10 = 0 THEN 'refused' ELSE 'closed' END
            WHEN n % 10 = 0 THEN 'claimed' WHEN n % 10 < 3 THEN 'accepted' ELSE 'delivered' END AS state
    FROM generate_series(1, :ended + :open) AS n,
        LATERAL (SELECT now() - CASE WHEN n <= :ended THEN interval '14 days'
            + (:ended - n) * interval '1 day' * :days / :ended
            ELSE (n - :ended) * interval '9 days' / :open END AS at) AS came,
        (SELECT CAST(:partners AS text[]) AS partners) AS those) AS numbered
"""
_TABLES: Final = """
INSERT INTO batch (id, partner, manifest_sha256, state, received_at, items, due_provisional, cycle, period, purpose,
    legal_basis, letter, handler, rows_in, rows_open, due_on, due_original, due_working_days)
SELECT id, partner, :manifest, state, at, ARRAY['id_number', 'name', 'sex'], false, 'ad_hoc', at::date::text,
    'case_handling', 'case_handling_286', 'letter ' || n, 'handler', 10,
    CASE WHEN state = 'accepted' THEN NULL WHEN over THEN 0 ELSE :rows END,
    at::date + 7, at::date + 7, 5
FROM made WHERE state NOT IN ('claimed', 'refused');
INSERT INTO batch (id, partner, manifest_sha256, state, received_at, items, due_provisional, refusal_code)
SELECT id, partner, :manifest, state, at, '{}', false, CASE WHEN state = 'refused' THEN 'signature_invalid' END
FROM made WHERE state IN ('claimed', 'refused');
INSERT INTO file (batch_id, role, name, sha256, size, recorded_at)
SELECT id, role, id || '.' || role, CASE role WHEN 'manifest' THEN :manifest WHEN 'receipt' THEN :receipt
    WHEN 'agreement' THEN md5(partner) || md5('a' || partner) ELSE md5(role || n) || md5(n || role) END, 1000, at
FROM made CROSS JOIN unnest(ARRAY['manifest', 'signature', 'receipt', 'receipt_signature', 'agreement', 'data',
    'result_data', 'result', 'result_signature']) AS role
WHERE role IN ('manifest', 'signature') OR role LIKE 'receipt%' AND state <> 'claimed'
    OR role IN ('agreement', 'data') AND state NOT IN ('claimed', 'refused')
    OR role LIKE 'result%' AND state IN ('delivered', 'closed');
INSERT INTO snapshot_use (batch_id, source, later, version, as_of)
SELECT id, 'population', false, at::date || '.0123456789ab', at::date FROM made WHERE state IN ('delivered', 'closed');
INSERT INTO answer_count (batch_id, item, code, n)
SELECT id, item, code, 3 FROM made CROSS JOIN unnest(ARRAY['identity', 'name', 'sex']) AS item
CROSS JOIN unnest(ARRAY['consistent', 'inconsistent', 'under_review']) AS code WHERE state IN ('delivered', 'closed');
INSERT INTO review (batch_id, row, division, causes, state, version, decision, reason, decided_by, decided_at,
    case_hash)
SELECT id, row, '220100', ARRAY['identity'],
    CASE WHEN over THEN 'released' WHEN row % 5 = 0 THEN 'decided' ELSE 'open' END, 1,
    CASE WHEN over OR row % 5 = 0 THEN '{"name": "consistent"}' END,
    CASE WHEN over OR row % 5 = 0 THEN 'archive' END, CASE WHEN over OR row % 5 = 0 THEN 'p-officer' END,
    CASE WHEN over OR row % 5 = 0 THEN at + interval '21 hours' END, md5('c' || n || row)
FROM made CROSS JOIN generate_series(1, :rows) AS row WHERE reviewed AND (NOT over OR row < 3);
INSERT INTO release (batch_id, number, state, rows, counts, settled, needs_approval, proposed_at, answers_sha256)
SELECT id, 1, CASE WHEN over THEN 'delivered' ELSE 'proposed' END, ARRAY[1, 2], '{}',
    '{"identity": {"consistent": 2}, "name": {"inconsistent": 2}}', true, at + interval '1 day',
    md5('s' || n) || md5(n || 's')
FROM made WHERE reviewed AND (over OR n % 5 = 0);
INSERT INTO file (batch_id, role, name, sha256, size, recorded_at)
SELECT id, 'result_data-2', id || '.2', md5('2' || n) || md5(n || '2'), 1000, at + interval '27 hours'
FROM made WHERE reviewed AND over;
INSERT INTO pickup (batch_id, number, noticed_at, how)
SELECT id, number, at + number * interval '1 hour' + (number - 1) * interval '26 hours', 'removed'
FROM made CROSS JOIN generate_series(1, 2) AS number
WHERE state = 'closed' AND n % 30 <> 1 AND (number = 1 OR reviewed);
INSERT INTO sighting (batch_id, number, seen_at)
SELECT id, 1, at + interval '50 seconds' FROM made WHERE state IN ('delivered', 'closed');
INSERT INTO alert (partner, subject, code, days, due_on, true_on, noticed_at, told_at)
SELECT partner, id, 'breach', 0, at::date + 7, at::date + 8, at + interval '8 days 1 hour',
    at + interval '8 days 1 hour'
FROM made WHERE state = 'closed' AND n % 50 = 2;
INSERT INTO told (batch_id, generation, key, hashes, rows)
SELECT id, 1, 'k', (SELECT string_agg(decode(h, 'hex'), '' ORDER BY h) FROM
        (SELECT left(md5((n * 7919 + g) % 2000000 || 'p'), 16) AS h FROM generate_series(1, 10) AS g) AS of_batch),
    (SELECT string_agg(int4send(g << 24), '') FROM generate_series(1, 10) AS g)
FROM made WHERE state IN ('delivered', 'closed');
INSERT INTO guard_evidence (batch_id, at, rows, no_such_number, name_disagrees, generation, numbers, names, groups)
SELECT id, at + interval '30 seconds', 10, n % 2, n % 3, 1, '', '', '' FROM made WHERE state IN ('delivered', 'closed');
INSERT INTO destruction (batch_id, role, kind, sha256, policy, actor, intended_at, done_at)
SELECT id, role, kind, md5(role || n) || md5(n || role), '365 days', 'retention',
    at + interval '367 days', at + interval '367 days'
FROM made CROSS JOIN (VALUES ('data', 'originals'), ('result_data', 'results')) AS gone (role, kind)
WHERE state = 'closed' AND at < now() - interval '368 days';
INSERT INTO clock_stop (batch_id, number, stopped_at, stopped_by, reason, started_at, started_by)
SELECT id, 1, at + interval '1 hour', 'p-officer', 'record_unclear', at + interval '5 hours', 'p-officer'
FROM made WHERE state = 'closed' AND n % 100 = 3;
INSERT INTO missing_set (partner, cycle, period, purpose, expected_by, noticed_at, reminders, reminded_at, arrived_at)
SELECT partner, 'monthly', to_char(month, 'YYYY-MM'), '', month::date + 10, month + interval '11 days', 1,
    month + interval '11 days', CASE WHEN random() < 0.98 THEN month + interval '13 days' END
FROM unnest(CAST(:partners AS text[])) AS partner, generate_series(now() - :days * interval '1 day', now()
    - interval '40 days', interval '1 month') AS month WHERE random() < 0.05;
INSERT INTO told_use (asked_at, asked_by, reason, letter, hashes, confirmed_at, confirmed_by, batches)
SELECT now() - n * interval '12 hours', 'p-officer', 'request', 'letter', '', now() - n * interval '12 hours',
    'p-leader', 3
FROM generate_series(1, 3000) AS n
"""
_LINES: Final = """
CREATE UNLOGGED TABLE made_line AS
SELECT row_number() OVER (ORDER BY at + after, n, place) AS seq, id AS batch_id, from_state, to_state, at + after AS at,
    actor, told.facts, row_number() OVER (PARTITION BY n ORDER BY at + after DESC, place DESC) = 1 AS is_last,
    json_build_object('answer_count', hashed, 'batch', hashed, 'file', hashed, 'snapshot_use', hashed)::text AS digests
FROM made CROSS JOIN LATERAL (VALUES
    (1, interval '0', NULL, 'claimed', 'collect', 'every', jsonb_build_object('partner', partner, 'manifest_sha256',
        CAST(:manifest AS text), 'manifest', CAST(:manifest AS text),
        'signature', md5('signature' || n) || md5(n || 'signature'))),
    (2, '2 seconds', 'claimed', 'refused', 'receive', 'refused', jsonb_build_object(
        'refusal_code', 'signature_invalid', 'receipt', CAST(:receipt AS text),
        'receipt_signature', md5('receipt_signature' || n) || md5(n || 'receipt_signature'))),
    (3, '2 seconds', 'claimed', 'accepted', 'receive', 'judged', jsonb_build_object('cycle', 'ad_hoc', 'rows_in', '10',
        'items', '[''id_number'', ''name'', ''sex'']', 'legal_basis', 'case_handling_286', 'period', at::date::text,
        'due_on', at::date + 7, 'due_original', at::date + 7, 'due_working_days', '5', 'purpose', 'case_handling',
        'due_provisional', 'False', 'letter', 'letter ' || n, 'handler', 'handler',
        'agreement', md5(partner) || md5('a' || partner), 'data', md5('data' || n) || md5(n || 'data'))),
    (4, '3 seconds', 'accepted', 'accepted', 'receive', 'judged', jsonb_build_object('receipt', CAST(:receipt AS text),
        'receipt_signature', md5('receipt_signature' || n) || md5(n || 'receipt_signature'))),
    (6, '30 seconds', 'accepted', 'sealed', 'process', 'sent', jsonb_build_object('rows_open',
        CAST(CASE WHEN reviewed THEN :rows ELSE 0 END AS text), 'result', md5('result' || n) || md5(n || 'result'),
        'result_data', md5('result_data' || n) || md5(n || 'result_data'),
        'result_signature', md5('result_signature' || n) || md5(n || 'result_signature'))),
    (7, '40 seconds', 'sealed', 'delivered', 'deliver', 'sent', '{}'),
    (8, '50 seconds', 'delivered', 'delivered', 'deliver', 'sent',
        jsonb_build_object('seen.1', at + interval '50 seconds')),
    (9, '1 hour', 'delivered', 'delivered', 'pickup', 'taken',
        jsonb_build_object('taken.1', 'removed ' || (to_json(at + interval '1 hour') #>> '{}'))),
    (10, '20 hours', 'delivered', 'delivered', 'p-officer', 'reviewed', '{"opened": "1,2"}'),
    (11, '21 hours', 'delivered', 'delivered', 'p-officer', 'reviewed',
        '{"review.1": "decided", "review.2": "decided"}'),
    (12, '1 day', 'delivered', 'delivered', 'p-officer', 'reviewed', '{"release.1": "proposed 2"}'),
    (13, '26 hours', 'delivered', 'delivered', 'p-leader', 'left', '{"release.1": "approved"}'),
    (14, '27 hours', 'delivered', 'delivered', 'release', 'left', jsonb_build_object('release.1', 'delivered',
        'rows_open', '0', 'result_data-2', md5('2' || n) || md5(n || '2'))),
    (15, last_day - at, 'delivered', 'closed', 'release', 'closed', '{}'),
    (16, '8 days 1 hour', 'delivered', 'delivered', 'watch', 'late', jsonb_build_object('alert.breach', at::date + 8)),
    (17, '13 days', 'closed', 'closed', 'pickup', 'taken second',
        jsonb_build_object('taken.2', 'removed ' || (to_json(at + interval '28 hours') #>> '{}'))),
    (18, '367 days', 'closed', 'closed', 'retention', 'gone', '{"destroyed.data": "originals 365 days"}'),
    (19, '367 days', 'closed', 'closed', 'retention', 'gone', '{"destroyed.result_data": "results 365 days"}')
) AS told (place, after, from_state, to_state, actor, whose, facts)
WHERE whose = 'every' OR whose = 'refused' AND state = 'refused'
    OR whose = 'judged' AND state NOT IN ('claimed', 'refused')
    OR whose = 'sent' AND state IN ('delivered', 'closed')
    OR whose = 'taken' AND state = 'closed' AND n % 30 <> 1
    OR whose = 'taken second' AND state = 'closed' AND n % 30 <> 1 AND reviewed
    OR whose = 'reviewed' AND reviewed AND (over OR n % 5 = 0) OR whose = 'left' AND reviewed AND over
    OR whose = 'closed' AND state = 'closed' OR whose = 'late' AND state = 'closed' AND n % 50 = 2
    OR whose = 'gone' AND state = 'closed' AND at < now() - interval '368 days'
"""
_ASKED: Final = f"""
INSERT INTO asked_lately (number, batch_id, at) {asked_lately._EXPECTED} AND at > now() - interval '31 days'"""
_BLOCKS: Final = f"INSERT INTO review_block (batch_id, block, digest) {review_blocks._held('review t')}"


def fill(engine: Engine, partners: Sequence[str], sizes: dict[str, int], files: dict[str, str]) -> None:
    """Fills an empty register but for its ledger, whose lines lie in ``made_line``. ``sizes``: ``ended``, ``open``,
    ``days`` and ``rows`` of the queue of an open batch; ``files``: the SHA-256 of a ``manifest`` and of a ``receipt``.
    """
    given = {**sizes, **files, "partners": list(partners)}
    statements = [_MADE, *_TABLES.split(";\n"), _LINES, _BLOCKS]
    with transaction(engine) as session:
        for statement in statements:
            used = {name: value for name, value in given.items() if f":{name}" in statement}
            session.execute(text(statement), used)
        session.execute(text(_ASKED).bindparams(small=10_000))
        columns = ["batch_id", "number"]
        session.execute(insert(Base.metadata.tables["uncollected"]).from_select(columns, uncollected.expected()))
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
