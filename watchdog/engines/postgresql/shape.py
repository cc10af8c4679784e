"""The shape of a PostgreSQL schema, as far as every server that takes a dump has the same.

Owns: the questions, one for each kind of object, and the digest of their
answers. Must not know: who asks, what is made of a difference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

# Names, columns and types: what is the same on any server that takes the dump.
# Left out is what a restore may spell or name otherwise: expressions, the
# columns of views, what is made along with partitions and range types.
_OWN: Final = """
  with own as (
    select oid, nspname from pg_catalog.pg_namespace
     where nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
       and nspname !~ '^pg_(toast_)?temp_'
  ), member as (
    select classid, objid from pg_catalog.pg_depend
     where refclassid = 'pg_catalog.pg_extension'::regclass and deptype = 'e'
  )
"""
_KINDS: Final[tuple[tuple[str, str], ...]] = (
    (
        "relations",
        """select pg_catalog.concat_ws('|', own.nspname, c.relname, c.relkind)
             from pg_catalog.pg_class c join own on own.oid = c.relnamespace
            where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and not exists
              (select from member where classid = 'pg_catalog.pg_class'::regclass
                  and objid = c.oid)""",
    ),
    (
        "columns",
        """select pg_catalog.concat_ws('|', own.nspname, c.relname, a.attname,
                  pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull)
             from pg_catalog.pg_attribute a
             join pg_catalog.pg_class c on c.oid = a.attrelid
             join own on own.oid = c.relnamespace
            where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'f')
              and not exists (select from member
                   where classid = 'pg_catalog.pg_class'::regclass and objid = c.oid)""",
    ),
    (
        "indexes",
        """select pg_catalog.concat_ws('|', own.nspname, t.relname, c.relname, i.indisunique,
                  i.indnatts)
             from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
             join pg_catalog.pg_class t on t.oid = i.indrelid
             join own on own.oid = t.relnamespace
            where i.indisvalid and not exists (select from member
                   where classid = 'pg_catalog.pg_class'::regclass and objid = t.oid)""",
    ),
    (
        "constraints",
        """select pg_catalog.concat_ws('|', own.nspname, t.relname, k.conname, k.contype)
             from pg_catalog.pg_constraint k join pg_catalog.pg_class t on t.oid = k.conrelid
             join own on own.oid = t.relnamespace
            where k.contype in ('p', 'u', 'f', 'c', 'x') and k.conparentid = 0
              and not exists (select from member
                   where classid = 'pg_catalog.pg_class'::regclass and objid = t.oid)""",
    ),
    (
        "functions",
        """select pg_catalog.concat_ws('|', own.nspname, p.proname,
                  pg_catalog.pg_get_function_identity_arguments(p.oid))
             from pg_catalog.pg_proc p join own on own.oid = p.pronamespace
            where not exists (select from pg_catalog.pg_depend d
                   where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid
                     and d.deptype in ('e', 'i'))""",
    ),
    (
        "triggers",
        """select pg_catalog.concat_ws('|', own.nspname, t.relname, g.tgname)
             from pg_catalog.pg_trigger g join pg_catalog.pg_class t on t.oid = g.tgrelid
             join own on own.oid = t.relnamespace
            where not g.tgisinternal and not exists (select from member
                   where classid = 'pg_catalog.pg_class'::regclass and objid = t.oid)""",
    ),
)

# Each answers with one line of text an object.
QUESTIONS: Final = tuple((kind, _OWN + select) for kind, select in _KINDS)


def digest(lines: Mapping[str, Sequence[str]]) -> str:
    """Return the sha256 of the *lines* of each kind, in whatever order they came."""
    found = hashlib.sha256()
    for kind, _ in QUESTIONS:
        for line in sorted(lines[kind]):
            found.update(f"{kind} {line}\n".encode("utf-8", "surrogatepass"))
    return found.hexdigest()
