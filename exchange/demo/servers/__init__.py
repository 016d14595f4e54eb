"""The demo world's servers: PostgreSQL, SFTP and Airflow, each started, asked and stopped alone, all on loopback."""
