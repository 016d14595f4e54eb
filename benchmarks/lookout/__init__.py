"""The lookout beside many partners on one SFTP server: ``python -m benchmarks.lookout``.

    world       a demo office without Airflow, and agreements of so many partners on the court's one server
    on_duty     the process that is measured: one lookout; prints each batch as it is claimed
    __main__    drops sets for partners drawn by chance, prints processor time and the time from drop to claim

Rules: what is measured is the lookout's own process, by its own processor time; the server's is beside it on the same
machine. OpenSSH's own limit on connections that begin (``MaxStartups 10:30:100``) holds. Another checkout (``BESIDE``)
takes turns with this one, in the same world.
"""
