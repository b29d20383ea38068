-- What SQLite can hold, for a restore to the byte.
PRAGMA user_version = 77;
PRAGMA application_id = 4711;
CREATE TABLE "we ""ird 't; drop -- %s" (id INTEGER PRIMARY KEY, "new
line" TEXT, twice INT GENERATED ALWAYS AS (id * 2) STORED, thrice INT AS (id * 3));
INSERT INTO "we ""ird 't; drop -- %s" (id, "new
line") VALUES (1, 'tab	\ ü' || char(0) || 'after'), (2, NULL);
CREATE TABLE houses (id INTEGER PRIMARY KEY AUTOINCREMENT, owner INT REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE people (id INT PRIMARY KEY, home INT REFERENCES houses (id), name TEXT COLLATE NOCASE CHECK (name <> 'x'), raw BLOB,
    any_of ANY, price REAL DEFAULT (1.5)) WITHOUT ROWID;
INSERT INTO people VALUES (1, 1, 'Äsop 😀', x'00ff0a', 12345678901234567890, 1e300), (2, NULL, '', x'', 'text', -0.0);
INSERT INTO houses VALUES (500, 1);
INSERT INTO houses (owner) VALUES (2);
CREATE UNIQUE INDEX once ON people (name COLLATE BINARY DESC, lower(name)) WHERE home IS NOT NULL;
CREATE VIEW seen AS SELECT h.id, p.name FROM houses h JOIN people p ON p.id = h.owner;
CREATE TRIGGER loud AFTER INSERT ON houses BEGIN UPDATE people SET name = name || ';' WHERE id = new.owner; END;
CREATE TRIGGER instead INSTEAD OF DELETE ON seen BEGIN DELETE FROM houses WHERE id = old.id; END;
CREATE VIRTUAL TABLE words USING fts5(body);
INSERT INTO words VALUES ('the quick brown fox');
CREATE TABLE gone (a);
INSERT INTO gone VALUES (1);
ANALYZE;
