"""What this software takes, beside what somebody would use instead: ``make bench``, or ``python -m benchmarks``.

    fixed       what all parts agree on
    machine     what was measured on
    measure     a whole process: seconds, processor seconds, peak memory; several in turn
    report      parts of a benchmark → one JSON and one Markdown page
    province    the synthetic province at a chosen size: exports, snapshots
    requests    request files about its people
    peers       what somebody would use instead, frozen; the same register in the forms that they like best
    match, lookup, pipeline, snapshots, transfer, growth     the parts
    adhoc, workers                                           benchmarks of their own, through Airflow

Rules: every figure is of a whole process unless it says otherwise, the median of several runs; the peers work on the
same files in the same run, in turn, and must give the same answers, row by row, before a figure is written down.
"""
