CREATE TABLE accounts (
    id bigint GENERATED ALWAYS AS IDENTITY, branch integer NOT NULL, balance integer NOT NULL, filler text,
    PRIMARY KEY (id)
) PARTITION BY HASH (id);
CREATE TABLE accounts_0 PARTITION OF accounts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE accounts_1 PARTITION OF accounts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO accounts (branch, balance, filler)
    SELECT n % 100, n, repeat(md5(n::text), 30) FROM generate_series(1, {megabytes} * 600) n;
CREATE TABLE history (account bigint REFERENCES accounts, delta integer, at timestamptz DEFAULT now());
INSERT INTO history (account, delta) SELECT n, n % 7 FROM generate_series(1, {megabytes} * 600) n;
SELECT count(lo_from_bytea(0, decode(repeat(md5(n::text), 65536), 'hex'))) FROM generate_series(1, {megabytes} / 4) n;
ANALYZE;
