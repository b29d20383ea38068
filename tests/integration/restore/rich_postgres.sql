CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE SCHEMA "Odd ""schema";
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE SEQUENCE loose START 41;
SELECT nextval('loose');
CREATE FUNCTION shout(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT upper($1) || '; COMMIT;' $$;
CREATE AGGREGATE gather(integer) (SFUNC = array_append, STYPE = integer[], INITCOND = '{}');
CREATE TABLE "Odd ""schema"."Tab%le; DROP" ("Col ""umn" text PRIMARY KEY, payload bytea);
INSERT INTO "Odd ""schema"."Tab%le; DROP" VALUES ('it''s \ "odd"', '\x00ff0a'), ('zwei'||chr(10)||'lines', NULL);
CREATE TABLE people (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    loud text GENERATED ALWAYS AS (upper(name)) STORED,
    how mood DEFAULT 'ok',
    age positive,
    boss integer REFERENCES people
);
CREATE TABLE houses (id serial PRIMARY KEY, owner integer NOT NULL REFERENCES people DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE people ADD COLUMN home integer REFERENCES houses DEFERRABLE INITIALLY DEFERRED;
INSERT INTO people (name, age) SELECT 'person ' || n, n FROM generate_series(1, 500) n;
INSERT INTO houses (owner) SELECT id FROM people;
UPDATE people SET home = id, boss = 1;
SET CONSTRAINTS ALL IMMEDIATE;
CREATE INDEX people_name_trgm ON people USING gin (name gin_trgm_ops);
CREATE TABLE measures (at date NOT NULL, value numeric) PARTITION BY RANGE (at);
CREATE TABLE measures_2025 PARTITION OF measures FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE measures_2026 PARTITION OF measures FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO measures SELECT date '2025-06-01' + n, n / 7.0 FROM generate_series(1, 400) n;
CREATE VIEW grown AS SELECT * FROM people WHERE age > 17;
CREATE MATERIALIZED VIEW totals AS SELECT date_trunc('month', at) AS month, sum(value) AS total FROM measures GROUP BY 1;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := trim(NEW.name); RETURN NEW; END $$;
CREATE TRIGGER trimmed BEFORE INSERT OR UPDATE ON people FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE people ENABLE ROW LEVEL SECURITY;
CREATE POLICY grown_only ON people USING (age > 17);
CREATE STATISTICS people_stats ON name, age FROM people;
CREATE RULE quiet AS ON DELETE TO houses DO INSTEAD NOTHING;
CREATE PUBLICATION everything FOR TABLE people;
COMMENT ON TABLE people IS E'a comment; with ''quotes'' and \\ slashes';
SELECT lo_from_bytea(4711, '\x00010203deadbeef');
ANALYZE;
