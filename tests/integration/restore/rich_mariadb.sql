-- What MariaDB can hold, for a restore to the byte.
SET FOREIGN_KEY_CHECKS = 0;
CREATE TABLE `we ``ird "t' ü; drop -- %s` (
    id int PRIMARY KEY, `new line` text, twice int GENERATED ALWAYS AS (id * 2) STORED,
    thrice int AS (id * 3) VIRTUAL, KEY by_text (`new line`(12) DESC)
) COMMENT 'with a quote '' and a backslash \\';
INSERT INTO `we ``ird "t' ü; drop -- %s` (id, `new line`) VALUES (1, 'tab\t \\ ü\r\n\0'), (2, NULL), (3, '');
CREATE TABLE houses (id int AUTO_INCREMENT PRIMARY KEY, owner int, mood enum('sad', 'gl,ad', 'it''s') NOT NULL,
    flags set('a', 'b'), CONSTRAINT owned FOREIGN KEY (owner) REFERENCES people (id) ON DELETE SET NULL) AUTO_INCREMENT = 500;
CREATE TABLE people (id int PRIMARY KEY, home int, name varchar(80) COLLATE utf8mb4_german2_ci DEFAULT 'nobody',
    born datetime(6), price decimal(30, 10), extra json, place point, raw varbinary(300), bits bit(9), stamp timestamp(3) NULL,
    CHECK (price >= 0), UNIQUE KEY once (name, home), FULLTEXT KEY words (name),
    CONSTRAINT lives FOREIGN KEY (home) REFERENCES houses (id) ON UPDATE CASCADE) ROW_FORMAT = DYNAMIC;
INSERT INTO people VALUES (1, 1, 'Äsop 😀', '1971-02-03 04:05:06.789012', 1234567890.0123456789, '{"a": [1, "ü"]}',
    ST_GeomFromText('POINT(1.5 -2.25)'), UNHEX('00FF0A0D275C22'), b'101010101', '2020-03-29 01:30:00.123'),
    (2, NULL, '', NULL, NULL, NULL, NULL, '', NULL, NULL);
INSERT INTO houses (owner, mood, flags) VALUES (1, 'it''s', 'a,b'), (NULL, 'gl,ad', '');
INSERT INTO houses (id, owner, mood) VALUES (1, 2, 'sad');
CREATE TABLE measures (at date NOT NULL, level double, PRIMARY KEY (at)) PARTITION BY RANGE (year(at)) (
    PARTITION old VALUES LESS THAN (2000), PARTITION newer VALUES LESS THAN (2030), PARTITION rest VALUES LESS THAN MAXVALUE);
INSERT INTO measures VALUES ('1999-12-31', 0.1), ('2026-01-01', 1e300), ('2100-01-01', -0.0);
CREATE TABLE kept (id int PRIMARY KEY, price int) WITH SYSTEM VERSIONING;
INSERT INTO kept VALUES (1, 10), (2, 20);
UPDATE kept SET price = 11 WHERE id = 1;
DELETE FROM kept WHERE id = 2;
CREATE TABLE quick (a int) ENGINE = MyISAM;
INSERT INTO quick VALUES (7);
CREATE TABLE latin (a varchar(10)) DEFAULT CHARSET = latin1;
INSERT INTO latin VALUES ('é');
CREATE SEQUENCE numbers START WITH 100 INCREMENT BY 10 CACHE 5;
SELECT NEXTVAL(numbers);
CREATE TABLE numbered (id int DEFAULT NEXTVAL(numbers) PRIMARY KEY);
INSERT INTO numbered VALUES ();
CREATE VIEW seen AS SELECT h.id, p.name FROM houses h JOIN people p ON p.id = h.owner;
CREATE VIEW `over` AS SELECT * FROM seen WHERE name <> 'ü';
SET FOREIGN_KEY_CHECKS = 1;
DELIMITER //
CREATE FUNCTION doubled(n int) RETURNS int DETERMINISTIC COMMENT 'it''s' RETURN n * 2//
CREATE PROCEDURE touch(IN who int) MODIFIES SQL DATA
BEGIN
    -- a comment; with a semicolon
    UPDATE people SET name = CONCAT(name, '!') WHERE id = who;
END//
CREATE TRIGGER loud BEFORE INSERT ON houses FOR EACH ROW SET NEW.mood = IF(NEW.mood = 'sad', 'gl,ad', NEW.mood)//
CREATE TRIGGER louder BEFORE INSERT ON houses FOR EACH ROW FOLLOWS loud SET NEW.flags = 'a'//
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 02:00:00' DISABLE COMMENT 'at night' DO DELETE FROM quick//
DELIMITER ;
