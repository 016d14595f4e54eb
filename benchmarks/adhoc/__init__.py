"""The immediate lane, measured from outside through real Airflow: ``make bench-adhoc``, ``python -m benchmarks.adhoc``.

    world       a demo world of its own with Airflow, and a partner that may send a million rows
    sets        request sets of the court, made before they are dropped
    client      a plain SFTP client: drops a set, waits for its result
    annual      keeps one annual batch in process
    stages      where the time of a set went, by the register
    partners    partners beside the demo's, each with a server of its own
    burst       many sets at once or so many a second, each answered once
    cost        beside all this: what one set costs a process that answers one after another, without Airflow
    answering   that process
    page        figures → ADHOC.json and ADHOC.md

Rules: a set's time runs from the moment in which its manifest has its name on the server to the moment in which the
result's manifest was read there, by one clock. Sets are dropped one after the other with pauses of chance between them,
so that they fall on any moment of the collectors' looks. Every result is opened with ``openssl`` and held against what
was planted before a figure is written down.
"""
