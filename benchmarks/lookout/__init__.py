"""The lookout and the poll beside many partners: ``python -m benchmarks.lookout``.

    world       a demo office without Airflow, and agreements of so many partners, half of them on the court's server
    useless     servers that are dead, or say a byte in two seconds
    on_duty     the process that is measured: one lookout; prints each batch as it is claimed
    poll        likewise: one poll of all folders, as ``collect`` makes it
    __main__    drops sets for partners drawn by chance, prints processor time and the time from drop to claim
    takeover    two lookouts, one of which is killed

Rules: what is measured is the process's own processor time; the servers' is beside it on the same machine. Another
checkout (``BESIDE``) takes turns with this one, in the same world.
"""
