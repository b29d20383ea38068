"""The queries that read a schema as facts: kind, schema, the table it belongs to, name, definition."""

from __future__ import annotations

_OURS = "n.nspname <> 'information_schema' AND left(n.nspname, 3) <> 'pg_'"
# What belongs to an extension is as its version has it.
_NOT_OF_EXTENSION = (
    "NOT EXISTS (SELECT 1 FROM pg_depend own WHERE own.classid = '{catalog}'::regclass AND own.objid = {row}.oid"
    " AND own.deptype = 'e')"
)
_OWN_CLASS = f"{_OURS} AND {_NOT_OF_EXTENSION.format(catalog='pg_class', row='c')}"
_OWN_TYPE = f"{_OURS} AND {_NOT_OF_EXTENSION.format(catalog='pg_type', row='t')}"
_OWN_FUNCTION = f"{_OURS} AND {_NOT_OF_EXTENSION.format(catalog='pg_proc', row='p')}"
_POSTGRESQL = f"""
    SELECT 'relation', n.nspname::text, c.relname::text, '',
           concat_ws(' ', c.relkind, c.relpersistence, c.relrowsecurity, c.reloptions::text)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind NOT IN ('i', 'I', 'S') AND {_OWN_CLASS}
    UNION ALL
    SELECT 'column', n.nspname, c.relname, a.attname::text, concat_ws(' ',
           format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
           pg_get_expr(d.adbin, d.adrelid))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relkind NOT IN ('i', 'I', 'S') AND {_OWN_CLASS}
    UNION ALL
    SELECT 'view', n.nspname, c.relname, '', md5(pg_get_viewdef(c.oid))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('v', 'm') AND {_OWN_CLASS}
    UNION ALL
    SELECT 'index', n.nspname, c.relname, i.relname::text,
           concat_ws(' ', pg_get_indexdef(x.indexrelid), x.indisvalid)
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_OWN_CLASS}
    UNION ALL
    SELECT 'sequence', n.nspname, coalesce(t.relname, c.relname), c.relname::text, ''
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_depend o ON o.classid = 'pg_class'::regclass AND o.objid = c.oid
         AND o.refclassid = 'pg_class'::regclass AND o.deptype IN ('a', 'i')
    LEFT JOIN pg_class t ON t.oid = o.refobjid
    WHERE c.relkind = 'S' AND {_OWN_CLASS}
    UNION ALL
    SELECT 'constraint', n.nspname, coalesce(c.relname, ''), o.conname::text,
           concat_ws(' ', pg_get_constraintdef(o.oid), o.convalidated)
    FROM pg_constraint o JOIN pg_namespace n ON n.oid = o.connamespace
    LEFT JOIN pg_class c ON c.oid = o.conrelid WHERE {_OURS}
    UNION ALL
    SELECT 'trigger', n.nspname, c.relname, t.tgname::text,
           concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled)
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal AND {_OWN_CLASS}
    UNION ALL
    SELECT 'policy', n.nspname, c.relname, p.polname::text, concat_ws(' ', p.polcmd,
           pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
    FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_OWN_CLASS}
    UNION ALL
    SELECT 'type', n.nspname, t.typname, coalesce(e.enumlabel::text, ''),
           concat_ws(' ', t.typtype, format_type(t.typbasetype, t.typtypmod), e.enumsortorder)
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    LEFT JOIN pg_enum e ON e.enumtypid = t.oid WHERE t.typtype IN ('d', 'e', 'r') AND {_OWN_TYPE}
    UNION ALL
    SELECT 'function', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid),
           md5(p.prosrc)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {_OWN_FUNCTION}
    UNION ALL
    SELECT 'extension', n.nspname, x.extname, '', x.extversion
    FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace"""
_MYSQL = """
    SELECT 'relation', '', table_name, '', concat_ws(' ', lower(table_type), engine, table_collation)
    FROM information_schema.tables WHERE table_schema = DATABASE()
    UNION ALL
    SELECT 'column', '', table_name, column_name,
           concat_ws(' ', column_type, is_nullable, column_default, extra)
    FROM information_schema.columns WHERE table_schema = DATABASE()
    UNION ALL
    SELECT 'index', '', table_name, index_name, concat_ws(' ', seq_in_index, column_name,
           collation, sub_part, non_unique, index_type)
    FROM information_schema.statistics WHERE table_schema = DATABASE()
    UNION ALL
    SELECT 'constraint', '', table_name, constraint_name, constraint_type
    FROM information_schema.table_constraints WHERE table_schema = DATABASE()
    UNION ALL
    SELECT 'reference', '', k.table_name, k.constraint_name, concat_ws(' ', k.ordinal_position,
           k.column_name, k.referenced_table_name, k.referenced_column_name, r.update_rule, r.delete_rule)
    FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r
         ON r.constraint_schema = k.table_schema AND r.table_name = k.table_name
         AND r.constraint_name = k.constraint_name
    WHERE k.table_schema = DATABASE() AND k.referenced_table_name IS NOT NULL
    UNION ALL
    SELECT 'check', '', constraint_name, '', check_clause
    FROM information_schema.check_constraints WHERE constraint_schema = DATABASE()
    UNION ALL
    SELECT 'view', '', table_name, '',
           md5(replace(view_definition, concat('`', DATABASE(), '`.'), ''))
    FROM information_schema.views WHERE table_schema = DATABASE()
    UNION ALL
    SELECT 'trigger', '', event_object_table, trigger_name,
           concat_ws(' ', action_timing, event_manipulation, md5(action_statement))
    FROM information_schema.triggers WHERE trigger_schema = DATABASE()
    UNION ALL
    SELECT 'routine', '', routine_name, routine_type, md5(routine_definition)
    FROM information_schema.routines WHERE routine_schema = DATABASE()
    UNION ALL
    SELECT 'event', '', event_name, '', md5(event_definition)
    FROM information_schema.events WHERE event_schema = DATABASE()"""
_SQLITE = "SELECT type, '', tbl_name, name, coalesce(sql, '') FROM sqlite_master"

# No LIKE: a percent sign in driver SQL is a parameter to some drivers.
SCHEMA_FACTS = {"postgresql": _POSTGRESQL, "mysql": _MYSQL, "sqlite": _SQLITE}
"""One query per kind of database; each row has five parts that are text or NULL."""
