"""What the DAG files share; no DAGs in here."""
