-- The whole match in one statement, for DuckDB: claims of asked_rows → answers. Tables: tables.py; variants of names.
-- Variable: today. Macros: rules.sql.

WITH raw AS (
  SELECT row_number() OVER () AS row, row_ref, coalesce(id_number, '') AS id_number, coalesce(name, '') AS name,
    coalesce(sex, '') AS sex, coalesce(birth_date, '') AS birth_date
  FROM asked_rows
), shaped AS (
  SELECT *, plain_number(id_number) AS plain, standard_name(name) AS standard FROM raw
), keyed AS (
  SELECT *, length(plain) = 15 AND is_number(plain) AS fifteen, CASE
    WHEN NOT is_number(plain) THEN NULL
    WHEN length(plain) = 18 THEN CAST(left(plain, 17) AS BIGINT)
    ELSE CAST(left(plain, 6) || CASE WHEN right(plain, 3) IN ('996', '997', '998', '999') THEN '18' ELSE '19' END
      || substr(plain, 7) AS BIGINT)
  END AS claimed_key
  FROM shaped
), dated AS (
  SELECT *, CAST(try_strptime(lpad(CAST(claimed_key // 1000 % 100000000 AS VARCHAR), 8, '0'), '%Y%m%d') AS DATE)
    AS inside
  FROM keyed
), judged AS (
  SELECT *, CASE
    WHEN plain = '' THEN 'id_number_missing'
    WHEN claimed_key IS NULL AND regexp_full_match(even(id_number), '[0-9](\.[0-9]+)?[eE]\+?[0-9]+')
      THEN 'id_number_scientific'
    WHEN claimed_key IS NULL THEN 'id_number_format'
    WHEN inside IS NULL OR inside < DATE '1800-01-01' OR inside > getvariable('today') THEN 'id_number_date'
    WHEN NOT fifteen AND right(plain, 1) <> check_character(claimed_key) THEN 'id_number_check'
  END AS id_fault, CASE
    WHEN standard = '' THEN 'name_missing'
    WHEN length(standard) > 50 OR NOT regexp_full_match(standard, '[\p{L}\p{M}\p{Co}〇·''’()（）-]+')
      THEN 'name_format'
  END AS name_fault
  FROM dated
), asked AS (
  SELECT *, coalesce(id_fault, name_fault) AS fault,
    CASE WHEN id_fault IS NULL AND name_fault IS NULL THEN claimed_key END AS wanted
  FROM judged
), found AS MATERIALIZED (
  SELECT a.row, a.row_ref, a.id_number <> a.plain AND a.id_fault IS NULL AS repaired,
    a.fifteen AND a.id_fault IS NULL AS fifteen, a.fault, a.sex, a.birth_date, a.standard,
    n.key IS NOT NULL AS known, n.alone, n.former, n.person, n.name AS registered, n.sex AS registered_sex,
    n.birth_date AS registered_birth_date, n.doubt, coalesce(a.standard = n.name, false) AS same
  FROM asked AS a LEFT JOIN numbers AS n ON a.wanted = n.key
), letters AS (
  SELECT row, registered AS name, unnest(string_split(standard, '')) AS claimed,
    unnest(string_split(registered, '')) AS registered
  FROM found WHERE known AND NOT same AND length(standard) = length(registered)
), variant AS (
  SELECT l.row, l.name FROM letters AS l
  LEFT JOIN variants AS c ON l.claimed = c.form LEFT JOIN variants AS r ON l.registered = r.form
  GROUP BY ALL HAVING bool_and(coalesce(c.standing, l.claimed) = coalesce(r.standing, l.registered))
), compared AS (
  SELECT f.*, CASE WHEN same THEN 2 WHEN v.row IS NOT NULL THEN 1 WHEN known THEN 0 END AS degree
  FROM found AS f LEFT JOIN variant AS v ON f.row = v.row AND f.registered = v.name
), several AS (
  SELECT row, any_value(COLUMNS(c.* EXCLUDE (row, doubt))), bool_or(doubt) OR (count(*) > 1 AND max(degree) > 0) AS doubt
  FROM (FROM compared WHERE NOT alone QUALIFY degree = max(degree) OVER (PARTITION BY row)) AS c GROUP BY row
), one AS (
  SELECT * FROM compared WHERE alone OR alone IS NULL UNION ALL BY NAME SELECT * FROM several
), hit_keys AS (
  SELECT DISTINCT key FROM records WHERE kind IN ('judgment', 'unclear')
), hits AS (
  SELECT key AS person FROM hit_keys UNION SELECT b.person FROM hit_keys AS h JOIN bearers AS b ON h.key = b.key
), sexes AS (
  SELECT sex, sex_code(sex) AS sex_value FROM (SELECT DISTINCT sex FROM raw WHERE trim(sex) <> '')
), days AS (
  SELECT birth_date, CASE WHEN iso THEN TRY_CAST(birth_date AS DATE) ELSE day_of(text) END AS birth_date_value
  FROM (
    SELECT birth_date, regexp_full_match(birth_date, '[0-9]{4}-[0-9]{2}-[0-9]{2}') AS iso,
      CASE WHEN NOT iso THEN without_midnight(birth_date) END AS text
    FROM (SELECT DISTINCT birth_date FROM raw WHERE trim(birth_date) <> '')
  )
), identified AS (
  SELECT *, CASE
    WHEN fault IS NOT NULL THEN fault WHEN NOT known THEN 'no_such_number' WHEN degree = 0 THEN 'name_disagrees'
    WHEN doubt OR degree = 1 THEN 'under_review' ELSE 'consistent'
  END AS identity
  FROM one LEFT JOIN sexes USING (sex) LEFT JOIN days USING (birth_date)
), answered AS (
  SELECT *, CASE
    WHEN trim(sex) = '' THEN 'claim_missing' WHEN sex_value IS NULL THEN 'claim_format'
    WHEN registered_sex IS NULL OR (sex_value IN (1, 2) AND registered_sex NOT IN (1, 2)) THEN 'under_review'
    WHEN sex_value = registered_sex THEN 'consistent' ELSE 'inconsistent'
  END AS of_sex, CASE
    WHEN trim(birth_date) = '' THEN 'claim_missing' WHEN birth_date_value IS NULL THEN 'claim_format'
    WHEN registered_birth_date IS NULL THEN 'under_review'
    WHEN birth_date_value = registered_birth_date THEN 'consistent' ELSE 'inconsistent'
  END AS of_birth_date, CASE WHEN h.person IS NULL THEN 'no_record' ELSE 'under_review' END AS of_record
  FROM identified AS i LEFT JOIN hits AS h ON i.person = h.person
)
SELECT row_ref, identity, concat_ws(';', CASE WHEN repaired THEN 'id_repaired' END,
    CASE WHEN fifteen THEN 'id_from_15' END,
    CASE WHEN identity = 'consistent' AND former THEN 'id_superseded' END,
    CASE WHEN identity = 'under_review' AND NOT doubt THEN 'name_variant' END) AS note,
  CASE WHEN identity IN ('consistent', 'under_review', 'no_such_number', 'name_disagrees') THEN identity
    ELSE 'not_answered' END AS "answer.id_number",
  CASE WHEN identity IN ('consistent', 'under_review', 'name_disagrees') THEN identity
    ELSE 'not_answered' END AS "answer.name",
  CASE identity WHEN 'consistent' THEN of_sex WHEN 'under_review' THEN identity
    ELSE 'not_answered' END AS "answer.sex",
  CASE identity WHEN 'consistent' THEN of_birth_date WHEN 'under_review' THEN identity
    ELSE 'not_answered' END AS "answer.birth_date",
  CASE identity WHEN 'consistent' THEN of_record WHEN 'under_review' THEN identity
    ELSE 'not_answered' END AS "answer.criminal_record"
FROM answered ORDER BY row
