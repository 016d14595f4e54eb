-- The rules as macros, for DuckDB; match.sql uses them.
-- Variables: private, public (private-use characters of older systems, and what they are). Left out, since nobody in the
-- province needs it: NFKC beyond full width, private-use characters that no table knows.

CREATE TEMP MACRO narrow(text) AS translate(
  text,
  '　０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ－／．，：＋（）',
  ' 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-/.,:+()'
);
CREATE TEMP MACRO even(text) AS regexp_replace(narrow(text), '^[\s\p{Z}\p{Cf}]*[''‘’`]+|[\s\p{Z}\p{Cf}]+', '', 'g');
CREATE TEMP MACRO is_number(text) AS regexp_full_match(text, '[0-9]{17}[0-9X]|[0-9]{15}');
CREATE TEMP MACRO plain_number(text) AS CASE
  WHEN is_number(text) THEN text
  ELSE regexp_replace(regexp_replace(even(text), '[\p{Pd}−_]+', '', 'g'), '[xхХχΧ×✕]', 'X', 'g')
END;
CREATE TEMP MACRO standard_name(text) AS CASE
  WHEN regexp_full_match(text, '[\x{4E00}-\x{9FFF}·]+') THEN text
  ELSE upper(nfc_normalize(regexp_replace(regexp_replace(
    narrow(translate(text, getvariable('private'), getvariable('public'))), '[\s\p{Z}\p{Cf}\x{FE00}-\x{FE0F}]+', '', 'g'), '[.·•․‧∙⋅●◦・．･﹒]+', '·', 'g')))
END;
CREATE TEMP MACRO check_character(key) AS substr('10X98765432', 1 + CAST((
  key // 10000000000000000 % 10 * 7 + key // 1000000000000000 % 10 * 9 + key // 100000000000000 % 10 * 10
  + key // 10000000000000 % 10 * 5 + key // 1000000000000 % 10 * 8 + key // 100000000000 % 10 * 4
  + key // 10000000000 % 10 * 2 + key // 1000000000 % 10 + key // 100000000 % 10 * 6 + key // 10000000 % 10 * 3
  + key // 1000000 % 10 * 7 + key // 100000 % 10 * 9 + key // 10000 % 10 * 10 + key // 1000 % 10 * 5
  + key // 100 % 10 * 8 + key // 10 % 10 * 4 + key % 10 * 2) % 11 AS INTEGER), 1);
CREATE TEMP MACRO sex_word(word) AS MAP {
  '1': 1, '男': 1, '男性': 1, 'M': 1, 'MALE': 1, '2': 2, '女': 2, '女性': 2, 'F': 2, 'FEMALE': 2,
  '0': 0, '未知': 0, '未知的性别': 0, '9': 9, '未说明': 9, '未说明的性别': 9
}[word];
CREATE TEMP MACRO sex_code(text) AS CASE text
  WHEN '男' THEN 1 WHEN '女' THEN 2 WHEN '1' THEN 1 WHEN '2' THEN 2 WHEN '男性' THEN 1 WHEN '女性' THEN 2
  ELSE sex_word(upper(even(text)))
END;
-- Of a text that is even and has no midnight any more; a macro's argument is worked out as often as it stands in it.
CREATE TEMP MACRO day_of(text) AS CASE
  WHEN regexp_full_match(text, '[0-9]{4}[/.年\p{Pd}−][0-9]{1,2}[/.月\p{Pd}−][0-9]{1,2}[日号]?')
    THEN TRY_CAST(regexp_replace(text, '^([0-9]{4})[^0-9]+([0-9]{1,2})[^0-9]+([0-9]{1,2}).*$', '\1-\2-\3') AS DATE)
  WHEN regexp_full_match(text, '[0-9]{8}') THEN CAST(try_strptime(text, '%Y%m%d') AS DATE)
  WHEN regexp_full_match(text, '[0-9]{4,5}') AND CAST(text AS INTEGER) BETWEEN 3654 AND 73050
    THEN DATE '1899-12-30' + CAST(text AS INTEGER)
END;
CREATE TEMP MACRO without_midnight(text) AS
  even(regexp_replace(trim(narrow(text)), '[ T]0{1,2}:00(:00(\.0+)?)?$', ''));
