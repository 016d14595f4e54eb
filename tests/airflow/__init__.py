"""A package, so that its fixture (``scope="package"``) ends with it: Airflow costs half a core while it runs."""
