CREATE TABLE accounts (
    id bigint GENERATED ALWAYS AS IDENTITY, branch integer NOT NULL, balance integer NOT NULL, filler text,
    PRIMARY KEY (id)
) PARTITION BY HASH (id);
CREATE TABLE accounts_0 PARTITION OF accounts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE accounts_1 PARTITION OF accounts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO accounts (branch, balance, filler)
    SELECT n % 100, n, (SELECT string_agg(md5((n * 31 + k)::text), '') FROM generate_series(1, 30) k) FROM generate_series(1, {megabytes} * 650) n;
CREATE TABLE history (account bigint REFERENCES accounts, delta integer, at timestamptz DEFAULT now());
INSERT INTO history (account, delta) SELECT n, n % 7 FROM generate_series(1, {megabytes} * 650) n;
SELECT count(lo_from_bytea(0, decode((SELECT string_agg(md5((n * 65536 + k)::text), '') FROM generate_series(1, 65536) k), 'hex'))) FROM generate_series(1, {megabytes} / 4) n;
ANALYZE;
