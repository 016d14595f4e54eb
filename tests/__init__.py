"""A package, so that ``tests/airflow`` is one of it and not Airflow itself."""
