"""Airflow's tasks on Celery workers, as separate processes on this machine: ``make bench-celery``.

    office      the world that is measured: servers, province, equal batches, Airflow with so many workers
    load        what the processes of each part of it took of the processors
    batches     many batches: dropped, run, and each of them checked at the partner's end
    __main__    the parts of the benchmark in turn, written to RESULTS.md

Rules: a worker runs one task at a time, so that a second worker is what a second machine would be; but here it shares
the processors with everything else, and what that takes stands beside the figures. A batch counts as answered when
its result was fetched, its signature checked, opened and counted, and the register tells each of its steps once.
"""
