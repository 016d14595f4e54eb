-- Run by the postgres image when its volume is new. The roles have no password yet and so cannot log in over the network; set them:
--   docker compose exec postgres psql -U postgres -c '\password exchange'   (and exchange_work, airflow)
-- exchange owns the register and migrates it; exchange_work does the daily work: docker/grants.sql.
CREATE ROLE exchange LOGIN;
CREATE ROLE exchange_work LOGIN;
CREATE ROLE airflow LOGIN;
CREATE DATABASE exchange OWNER exchange;
CREATE DATABASE airflow OWNER airflow;
