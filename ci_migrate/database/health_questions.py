"""What a server is asked about its health: a sentence for each row, and the statement; limits by name."""

from __future__ import annotations

# Not those that are being built at this moment: dropping them would end the build. Whose build may not be seen
# counts as being built. An index of a partitioned table is invalid until each partition has its own.
INVALID_INDEXES = """
    SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE NOT i.indisvalid AND c.relkind = 'i' AND NOT EXISTS (
        SELECT 1 FROM pg_stat_progress_create_index p WHERE p.datname = current_database()
        AND coalesce(p.index_relid, i.indexrelid) IN (i.indexrelid, 0))
    ORDER BY 1"""
POSTGRESQL = {
    "a transaction is open for {1} s: pid {0}, app={2}, {3}": """
        SELECT pid, extract(epoch FROM clock_timestamp() - xact_start)::int,
        coalesce(nullif(application_name, ''), '-'), state
        FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND clock_timestamp() - xact_start > interval '{long_seconds} seconds' ORDER BY xact_start""",
    "a transaction is prepared and open for {1} s: {0} (COMMIT PREPARED or ROLLBACK PREPARED ends it)": """
        SELECT quote_literal(gid), extract(epoch FROM clock_timestamp() - prepared)::int
        FROM pg_prepared_xacts WHERE database = current_database()
        AND clock_timestamp() - prepared > interval '{long_seconds} seconds' ORDER BY prepared""",
    "a session waits for a lock that pid {1} holds: pid {0}, app={2}": """
        SELECT pid, (pg_blocking_pids(pid))[1], coalesce(nullif(application_name, ''), '-')
        FROM pg_stat_activity
        WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0 ORDER BY 1""",
    "a pg_dump is running, which locks every table against changes: pid {0}": """
        SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'pg_dump' ORDER BY 1""",
    "index {0} is invalid: a concurrent build of it has failed (DROP INDEX CONCURRENTLY {0};)": INVALID_INDEXES,
    "replica {0} is {1} s behind": """
        SELECT coalesce(nullif(application_name, ''), client_addr::text, '-'),
        extract(epoch FROM replay_lag)::int FROM pg_stat_replication
        WHERE replay_lag > interval '{lag_seconds} seconds'""",
    "replica {0} is {1} MB behind": """
        SELECT coalesce(nullif(application_name, ''), client_addr::text, '-'),
        (pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) / 1000000)::bigint FROM pg_stat_replication
        WHERE pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) > {lag_bytes}""",
    "only {0} of {1} connections are free": """
        SELECT m.n - c.n, m.n FROM
        (SELECT count(*)::int AS n FROM pg_stat_activity WHERE backend_type = 'client backend') c,
        (SELECT sum(CASE name WHEN 'max_connections' THEN setting::int ELSE - setting::int END)::int AS n
        FROM pg_settings
        WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')) m
        WHERE m.n - c.n < {free_connections}""",
}
# Written without a percent sign, which is a parameter to some drivers.
MYSQL = {
    "a transaction is open for {1} s: connection {0}": """
        SELECT trx_mysql_thread_id, TIMESTAMPDIFF(SECOND, trx_started, NOW())
        FROM information_schema.innodb_trx
        WHERE TIMESTAMPDIFF(SECOND, trx_started, NOW()) > {long_seconds} ORDER BY trx_started""",
    "a session waits for the lock of a table: connection {0}, {1}, for {2} s": """
        SELECT id, state, time FROM information_schema.processlist
        WHERE db = DATABASE() AND LOWER(LEFT(state, 11)) = 'waiting for' AND LOWER(state) REGEXP 'lock'
        ORDER BY 1""",
    "a session waits for the lock of a row: connection {0}, for {1} s": """
        SELECT trx_mysql_thread_id, TIMESTAMPDIFF(SECOND, trx_wait_started, NOW())
        FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT' ORDER BY 1""",
    "a dump is running, which keeps every table from being changed: connection {0}": """
        SELECT id FROM information_schema.processlist WHERE db = DATABASE()
        AND LEFT(info, 31) = 'SELECT /*!40001 SQL_NO_CACHE */' ORDER BY 1""",
    "only {0} of {1} connections are free": """
        SELECT @@max_connections - COUNT(*), @@max_connections FROM information_schema.processlist
        HAVING @@max_connections - COUNT(*) < {free_connections}""",
}
