"""Texts of errors as they are met in the field, with the cause that each has.

Owns: the corpus that the matcher of hints is measured by.
"""

# ruff: noqa: E501 - messages stay as they are

from __future__ import annotations

TRACEBACK = """Traceback (most recent call last):
  File "/app/main.py", line 12, in <module>
    asyncio.run(main())
  File "/usr/local/lib/python3.11/asyncio/runners.py", line 190, in run
    return runner.run(main)
{last}
"""

WITH_CAUSE: tuple[tuple[str, str], ...] = (
    # reach
    (
        "connection_refused",
        'psql: error: connection to server at "db.example.com" (10.0.0.5), port 5432 failed: Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?',
    ),
    (
        "connection_refused",
        'could not connect to server: Connection refused\n\tIs the server running on host "10.1.2.3" and accepting\n\tTCP/IP connections on port 5432?',
    ),
    (
        "connection_refused",
        "OSError: Multiple exceptions: [Errno 111] Connect call failed ('10.0.0.1', 5432), [Errno 111] Connect call failed ('10.0.0.2', 5432)",
    ),
    (
        "connection_refused",
        'sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) connection to server at "pg1" (172.20.0.3), port 5432 failed: Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?\n\n(Background on this error at: https://sqlalche.me/e/20/e3q8)',
    ),
    (
        "connection_refused",
        "org.postgresql.util.PSQLException: Connection to db:5432 refused. Check that the hostname and port are correct and that the postmaster is accepting TCP/IP connections.",
    ),
    (
        "connection_refused",
        "Error: connect ECONNREFUSED 10.0.0.7:5432\n    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1555:16)",
    ),
    (
        "connection_refused",
        "failed to connect to `host=10.2.3.4 user=app database=app`: dial error (dial tcp 10.2.3.4:5432: connect: connection refused)",
    ),
    (
        "connection_refused",
        'подключиться к серверу "10.0.0.5", порту 5432 не удалось: В соединении отказано\n\tОн действительно работает по данному адресу и принимает TCP-соединения?',
    ),
    (
        "connection_refused",
        'pg_dump: error: connection to server at "10.0.0.9", port 5432 failed: Connection refused',
    ),
    (
        "dns_failure",
        'psql: error: could not translate host name "db.exmaple.com" to address: Name or service not known',
    ),
    ("dns_failure", "asyncpg connect: socket.gaierror: [Errno -2] Name or service not known"),
    (
        "dns_failure",
        "failed to connect to `user=app database=app`: hostname resolving error: lookup db.prod.internal on 10.0.0.2:53: no such host",
    ),
    (
        "docker_host_not_resolvable",
        'could not translate host name "postgres" to address: Temporary failure in name resolution',
    ),
    (
        "docker_host_not_resolvable",
        "Error: getaddrinfo ENOTFOUND postgres\n    at GetAddrInfoReqWrap.onlookup [as oncomplete] (node:dns:107:26) pg-pool",
    ),
    (
        "docker_host_not_resolvable",
        'could not translate host name "host.docker.internal" to address: Name or service not known',
    ),
    (
        "docker_host_not_resolvable",
        'преобразовать имя узла "db" в адрес не удалось: Имя или служба не известны',
    ),
    (
        "connect_timeout",
        'connection to server at "10.9.8.7", port 5432 failed: Connection timed out\n\tIs the server running on that host and accepting TCP/IP connections?',
    ),
    (
        "connect_timeout",
        'psql: error: connection to server at "10.9.8.7", port 5432 failed: timeout expired',
    ),
    ("connect_timeout", "psycopg.errors.ConnectionTimeout: connection timeout expired"),
    ("connect_timeout", "dial tcp 10.0.0.1:5432: i/o timeout"),
    (
        "no_route",
        'connection to server at "192.168.50.4", port 5432 failed: No route to host\n\tIs the server running on that host and accepting TCP/IP connections?',
    ),
    (
        "no_route",
        'psql: error: connection to server at "2001:db8::1", port 5432 failed: Network is unreachable',
    ),
    (
        "unix_socket_missing",
        'psql: error: connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: No such file or directory\n\tIs the server running locally and accepting connections on that socket?',
    ),
    (
        "unix_socket_missing",
        'could not connect to server: No such file or directory\n\tIs the server running locally and accepting\n\tconnections on Unix domain socket "/tmp/.s.PGSQL.5432"?',
    ),
    (
        "not_a_postgres_server",
        'connection to server at "localhost" (127.0.0.1), port 8080 failed: received invalid response to SSL negotiation: H',
    ),
    ("not_a_postgres_server", "expected authentication request from server, but received H"),
    (
        "server_closed_connection",
        "psycopg2.OperationalError: server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally\n\tbefore or while processing the request.",
    ),
    (
        "server_closed_connection",
        "asyncpg.exceptions.ConnectionDoesNotExistError: connection was closed in the middle of operation",
    ),
    (
        "server_closed_connection",
        "org.postgresql.util.PSQLException: An I/O error occurred while sending to the backend.",
    ),
    ("server_closed_connection", "psycopg2.OperationalError: SSL SYSCALL error: EOF detected"),
    (
        "server_closed_connection",
        'pg_dump: error: Dumping the contents of table "t" failed: PQgetResult() failed.\npg_dump: detail: Error message from server: server closed the connection unexpectedly',
    ),
    # tls
    (
        "tls_required",
        'FATAL:  no pg_hba.conf entry for host "10.0.0.3", user "app", database "app", no encryption',
    ),
    (
        "tls_required",
        'FATAL:  no pg_hba.conf entry for host "10.0.0.3", user "app", database "app", SSL off',
    ),
    (
        "tls_required",
        'ВАЖНО:  в pg_hba.conf нет записи для компьютера "10.0.0.3", пользователя "app", базы "app", без шифрования',
    ),
    (
        "tls_not_supported",
        'connection to server at "db", port 5432 failed: server does not support SSL, but SSL was required',
    ),
    ("tls_not_supported", 'ConnectionError: PostgreSQL server at "db:5432" rejected SSL upgrade'),
    ("tls_not_supported", "pq: SSL is not enabled on the server"),
    (
        "tls_cert_invalid",
        'connection to server at "db", port 5432 failed: SSL error: certificate verify failed',
    ),
    (
        "tls_cert_invalid",
        'root certificate file "/root/.postgresql/root.crt" does not exist\nEither provide the file, use the system\'s trusted roots with sslrootcert=system, or change sslmode to disable server certificate verification.',
    ),
    (
        "tls_cert_invalid",
        'server certificate for "db.example.com" does not match host name "10.0.0.5"',
    ),
    # auth
    (
        "auth_failed",
        'connection to server at "localhost" (127.0.0.1), port 5432 failed: FATAL:  password authentication failed for user "codelab"',
    ),
    (
        "auth_failed",
        TRACEBACK.format(
            last='asyncpg.exceptions.InvalidPasswordError: password authentication failed for user "codelab"'
        ),
    ),
    ("auth_failed", 'ВАЖНО:  пользователь "codelab" не прошёл проверку подлинности (по паролю)'),
    ("auth_failed", "FATAL:  Passwort-Authentifizierung für Benutzer »app« fehlgeschlagen"),
    (
        "auth_failed",
        '28P01: password authentication failed for user "app"\n   at Npgsql.Internal.NpgsqlConnector.<ReadMessage>g__ReadMessageLong|233_0()',
    ),
    (
        "role_missing",
        '2026-11-23 10:00:00.123 UTC [77] FATAL:  password authentication failed for user "ghost"\n2026-11-23 10:00:00.123 UTC [77] DETAIL:  Role "ghost" does not exist.',
    ),
    ("role_missing", 'psql: error: FATAL:  role "ghost" does not exist'),
    ("role_missing", 'ВАЖНО:  роль "ghost" не существует'),
    ("role_login_denied", 'FATAL:  role "readers" is not permitted to log in'),
    ("role_login_denied", 'ВАЖНО:  для роли "readers" вход запрещён'),
    (
        "no_password",
        'connection to server at "db" (10.0.0.1), port 5432 failed: fe_sendauth: no password supplied',
    ),
    ("no_password", "FATAL:  empty password returned by client"),
    ("no_password", "Error: SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string"),
    (
        "peer_auth_failed",
        'psql: error: connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: FATAL:  Peer authentication failed for user "postgres"',
    ),
    ("peer_auth_failed", 'ВАЖНО:  пользователь "postgres" не прошёл проверку подлинности (Peer)'),
    ("scram_unsupported_client", "SCRAM authentication requires libpq version 10 or above"),
    (
        "scram_unsupported_client",
        "org.postgresql.util.PSQLException: The authentication type 10 is not supported. Check that you have configured the pg_hba.conf file",
    ),
    (
        "passfile_permissions",
        'WARNING: password file "/root/.pgpass" has group or world access; permissions should be u=rw (0600) or less',
    ),
    (
        "hba_rejected",
        'FATAL:  no pg_hba.conf entry for host "172.19.0.1", user "app", database "app", SSL encryption',
    ),
    (
        "hba_rejected",
        'FATAL:  pg_hba.conf rejects connection for host "10.0.0.3", user "app", database "app"',
    ),
    (
        "database_missing",
        'psql: error: connection to server at "db" (10.0.0.1), port 5432 failed: FATAL:  database "agent_runtme" does not exist',
    ),
    (
        "database_missing",
        'asyncpg.exceptions.InvalidCatalogNameError: database "auth_db" does not exist',
    ),
    ("database_missing", 'ВАЖНО:  база данных "auth_db" не существует'),
    ("database_missing", "FATAL:  Datenbank »auth_db« existiert nicht"),
    ("database_not_accepting", 'FATAL:  database "old" is not currently accepting connections'),
    # capacity
    ("too_many_connections", "FATAL:  sorry, too many clients already"),
    (
        "too_many_connections",
        "asyncpg.exceptions.TooManyConnectionsError: remaining connection slots are reserved for roles with the SUPERUSER attribute",
    ),
    ("too_many_connections", "ВАЖНО:  извините, уже слишком много клиентов"),
    ("connection_limit_role_db", 'FATAL:  too many connections for role "app"'),
    ("connection_limit_role_db", 'FATAL:  too many connections for database "app"'),
    (
        "client_pool_exhausted",
        "sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00 (Background on this error at: https://sqlalche.me/e/20/3o7r)",
    ),
    (
        "client_pool_exhausted",
        "java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available, request timed out after 30000ms.",
    ),
    (
        "client_pool_exhausted",
        "Timed out fetching a new connection from the connection pool. More info: http://pris.ly/d/connection-pool (Current connection pool timeout: 10, connection limit: 5)",
    ),
    # state
    ("starting_up", "psql: error: FATAL:  the database system is starting up"),
    (
        "starting_up",
        "FATAL:  the database system is not yet accepting connections\nDETAIL:  Consistent recovery state has not been yet reached.",
    ),
    ("starting_up", "ВАЖНО:  система баз данных запускается"),
    (
        "shutting_down",
        "asyncpg.exceptions.CannotConnectNowError: the database system is shutting down",
    ),
    ("admin_termination", "FATAL:  terminating connection due to administrator command"),
    (
        "admin_termination",
        "psycopg.errors.AdminShutdown: terminating connection due to administrator command\nSSL connection has been closed unexpectedly",
    ),
    (
        "server_crashed",
        "WARNING:  terminating connection because of crash of another server process\nDETAIL:  The postmaster has commanded this server process to roll back the current transaction and exit.",
    ),
    ("server_crashed", "FATAL:  the database system is in recovery mode"),
    (
        "server_crashed",
        "2026-11-23 03:12:44 UTC [1] LOG:  server process (PID 4711) was terminated by signal 11: Segmentation fault",
    ),
    ("in_recovery_read_only", "ERROR:  cannot execute VACUUM during recovery"),
    (
        "read_only_transaction",
        "asyncpg.exceptions.ReadOnlySQLTransactionError: cannot execute INSERT in a read-only transaction",
    ),
    (
        "recovery_conflict",
        "ERROR:  canceling statement due to conflict with recovery\nDETAIL:  User query might have needed to see row versions that must be removed.",
    ),
    # query
    ("statement_timeout", "ERROR:  canceling statement due to statement timeout"),
    ("lock_timeout", "psycopg2.errors.LockNotAvailable: canceling statement due to lock timeout"),
    (
        "lock_timeout",
        "pg_dump: error: query failed: ERROR:  canceling statement due to statement timeout\npg_dump: detail: Query was: LOCK TABLE public.t IN ACCESS SHARE MODE",
    ),
    (
        "idle_in_transaction_timeout",
        "FATAL:  terminating connection due to idle-in-transaction timeout",
    ),
    ("query_cancelled", "ERROR:  canceling statement due to user request"),
    (
        "deadlock",
        "ERROR:  deadlock detected\nDETAIL:  Process 12 waits for ShareLock on transaction 5; blocked by process 13.",
    ),
    ("deadlock", "ОШИБКА:  обнаружена взаимоблокировка"),
    # storage
    (
        "disk_full",
        'ERROR:  could not extend file "base/16384/16397": No space left on device\nHINT:  Check free disk space.',
    ),
    ("disk_full", 'PANIC:  could not write to file "pg_wal/xlogtemp.29": No space left on device'),
    ("temp_file_limit", "ERROR:  temporary file size exceeds temp_file_limit (1048576kB)"),
    (
        "docker_shm_size",
        'ERROR:  could not resize shared memory segment "/PostgreSQL.1804289383" to 134217728 bytes: No space left on device',
    ),
    (
        "out_of_memory",
        'ERROR:  out of memory\nDETAIL:  Failed on request of size 1048576 in memory context "ExprContext".',
    ),
    (
        "out_of_memory",
        "Out of memory: Killed process 4711 (postgres) total-vm:1024kB, anon-rss:512kB",
    ),
    (
        "lock_table_full",
        "ERROR:  out of shared memory\nHINT:  You might need to increase max_locks_per_transaction.",
    ),
    ("corruption", "ERROR:  invalid page in block 12 of relation base/16384/16397"),
    ("corruption", "PANIC:  could not locate a valid checkpoint record"),
    (
        "index_corruption",
        'ERROR:  index "users_pkey" contains unexpected zero page at block 3\nHINT:  Please REINDEX it.',
    ),
    (
        "wraparound",
        'ERROR:  database is not accepting commands to avoid wraparound data loss in database "app"',
    ),
    ("collation_mismatch", 'WARNING:  database "app" has a collation version mismatch'),
    # privilege
    ("permission_denied_table", "ERROR:  permission denied for table users"),
    (
        "permission_denied_table",
        "pg_dump: error: query failed: ERROR:  permission denied for table secrets",
    ),
    ("permission_denied_table", "ОШИБКА:  нет доступа к таблице users"),
    (
        "permission_denied_file",
        'pg_dump: error: could not open output file "/backups/app.dump": Permission denied',
    ),
    (
        "missing_replication_privilege",
        "FATAL:  must be superuser or replication role to start walsender",
    ),
    # start
    (
        "data_dir_version_mismatch",
        "FATAL:  database files are incompatible with server\nDETAIL:  The data directory was initialized by PostgreSQL version 15, which is not compatible with this version 17.2.",
    ),
    (
        "data_dir_permissions",
        'FATAL:  data directory "/var/lib/postgresql/data" has invalid permissions\nDETAIL:  Permissions should be u=rwx (0700) or u=rwx,g=rx (0750).',
    ),
    (
        "data_dir_invalid",
        'postgres: could not find the database system\nExpected to find it in the directory "/var/lib/postgresql/data",\nbut could not open file "/var/lib/postgresql/data/global/pg_control": No such file or directory',
    ),
    (
        "stale_or_running_postmaster",
        'FATAL:  lock file "postmaster.pid" already exists\nHINT:  Is another postmaster (PID 42) running in data directory "/var/lib/postgresql/data"?',
    ),
    (
        "port_in_use",
        'LOG:  could not bind IPv4 address "0.0.0.0": Address already in use\nHINT:  Is another postmaster already running on port 5432? If not, wait a few seconds and retry.',
    ),
    (
        "port_in_use",
        "Error response from daemon: driver failed programming external connectivity on endpoint postgres: Bind for 0.0.0.0:5432 failed: port is already allocated",
    ),
    (
        "bad_config",
        'FATAL:  configuration file "/etc/postgresql/17/main/postgresql.conf" contains errors',
    ),
    ("run_as_root", '"root" execution of the PostgreSQL server is not permitted.'),
    (
        "postgres_password_not_set",
        "Error: Database is uninitialized and superuser password is not specified.\n       You must specify POSTGRES_PASSWORD to a non-empty value for the superuser.",
    ),
    (
        "initdb_script_failed",
        "/usr/local/bin/docker-entrypoint.sh: line 351: /docker-entrypoint-initdb.d/init-postgres.sh: Permission denied",
    ),
    ("driver_missing", "ModuleNotFoundError: No module named 'psycopg2'"),
    (
        "driver_missing",
        "sqlalchemy.exc.NoSuchModuleError: Can't load plugin: sqlalchemy.dialects:postgres",
    ),
    (
        "driver_not_async",
        "sqlalchemy.exc.InvalidRequestError: The asyncio extension requires an async driver to be used. The loaded 'psycopg2' is not async.",
    ),
    # pooler
    (
        "pgbouncer_prepared_statement",
        'asyncpg.exceptions.DuplicatePreparedStatementError: prepared statement "__asyncpg_stmt_1__" already exists',
    ),
    ("pgbouncer_prepared_statement", 'ERROR:  prepared statement "S_1" does not exist'),
    (
        "pgbouncer_auth",
        "2026-11-23 10:00:00.000 UTC [1] WARNING C-0x55: app/app@10.0.0.4:51234 pooler error: password authentication failed (pgbouncer)",
    ),
    ("pgbouncer_no_such_database", "FATAL:  no such database: app"),
    ("pgbouncer_pool_timeout", "FATAL:  query_wait_timeout"),
    ("pgbouncer_startup_parameter", "FATAL:  unsupported startup parameter: extra_float_digits"),
    ("pgbouncer_max_clients", "FATAL:  no more connections allowed (max_client_conn)"),
    # schema
    (
        "missing_extension",
        'ERROR:  could not open extension control file "/usr/share/postgresql/17/extension/vector.control": No such file or directory',
    ),
    (
        "missing_extension",
        'ERROR:  type "vector" does not exist\nLINE 1: CREATE TABLE t (e vector(3))',
    ),
    (
        "missing_extension",
        'ERROR:  pg_stat_statements must be loaded via "shared_preload_libraries"',
    ),
    (
        "postgres_no_such_table",
        'psycopg2.errors.UndefinedTable: relation "users" does not exist\nLINE 1: SELECT * FROM users',
    ),
    ("postgres_no_such_table", 'ОШИБКА:  отношение "users" не существует'),
    ("encoding", 'ERROR:  invalid byte sequence for encoding "UTF8": 0xff'),
    # replication
    (
        "replication_slot_missing",
        'FATAL:  could not start WAL streaming: ERROR:  replication slot "standby1" does not exist',
    ),
    (
        "wal_segment_removed",
        "FATAL:  could not receive data from WAL stream: ERROR:  requested WAL segment 000000010000000000000003 has already been removed",
    ),
    (
        "wal_archive_failed",
        "LOG:  archive command failed with exit code 1\nDETAIL:  The failed archive command was: test ! -f /mnt/x && cp pg_wal/x /mnt/x",
    ),
    # backup
    (
        "version_mismatch_pg_dump",
        "pg_dump: error: aborting because of server version mismatch\npg_dump: detail: server version: 17.10; pg_dump version: 15.18 (Debian 15.18-0+deb12u1)",
    ),
    ("archive_version_unsupported", "pg_restore: error: unsupported version (1.16) in file header"),
    ("backup_zero_bytes", "pg_restore: error: input file is too short (read 0, expected 5)"),
    ("backup_truncated", "pg_restore: error: could not read from input file: end of file"),
    (
        "backup_not_an_archive",
        "pg_restore: error: input file does not appear to be a valid archive",
    ),
    ("backup_no_space", "pg_dump: error: could not write to output file: No space left on device"),
    (
        "backup_dir_missing",
        'pg_dump: error: could not open output file "/backups/x/app.dump": No such file or directory',
    ),
    (
        "backup_target_exists",
        'pg_dump: error: could not create directory "/backups/app": File exists',
    ),
    ("pg_dump_not_found", "/bin/sh: 1: pg_dump: not found"),
    ("pg_dump_not_found", "FileNotFoundError: [Errno 2] No such file or directory: 'pg_dump'"),
    (
        "backup_file_missing",
        'pg_restore: error: could not open input file "app.dump": No such file or directory',
    ),
    (
        "dump_newer_than_server",
        'pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter "transaction_timeout"\nCommand was: SET transaction_timeout = 0;',
    ),
    ("dump_newer_than_server", "psql:dump.sql:5: error: invalid command \\restrict"),
    (
        "missing_role_on_restore",
        'pg_restore: error: could not execute query: ERROR:  role "codelab" does not exist\nCommand was: ALTER TABLE public.users OWNER TO codelab;',
    ),
    (
        "restore_not_owner",
        "pg_restore: error: could not execute query: ERROR:  must be owner of extension plpgsql",
    ),
    (
        "restore_into_nonempty",
        'pg_restore: error: could not execute query: ERROR:  relation "users" already exists',
    ),
    (
        "restore_wrong_tool",
        "pg_restore: error: input file appears to be a text format dump. Please use psql.",
    ),
    (
        "restore_wrong_tool",
        "The input is a PostgreSQL custom-format dump.\nUse the pg_restore command-line client to restore this dump to a database.",
    ),
    ("backup_no_matching_tables", "pg_dump: error: no matching tables were found"),
    # sqlite
    ("sqlite_busy", "sqlite3.OperationalError: database is locked"),
    (
        "sqlite_busy",
        "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) database is locked\n[SQL: INSERT INTO t VALUES (?)]\n[parameters: (1,)]\n(Background on this error at: https://sqlalche.me/e/20/e3q8)",
    ),
    ("sqlite_busy", "Error: SQLITE_BUSY: database is locked"),
    ("sqlite_busy", "Error: in prepare, database is locked (5)"),
    ("sqlite_locked_shared_cache", "sqlite3.OperationalError: database table is locked: users"),
    ("sqlite_notadb", "sqlite3.DatabaseError: file is not a database"),
    ("sqlite_corrupt", "sqlite3.DatabaseError: database disk image is malformed"),
    ("sqlite_index_corrupt", "row 12 missing from index users_email"),
    (
        "sqlite_cantopen_missing_dir",
        "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) unable to open database file",
    ),
    ("sqlite_readonly", "sqlite3.OperationalError: attempt to write a readonly database"),
    (
        "sqlite_readonly_directory",
        "SqliteError: attempt to write a readonly database { code: 'SQLITE_READONLY_DIRECTORY' }",
    ),
    ("sqlite_full", "sqlite3.OperationalError: database or disk is full"),
    ("sqlite_ioerr", "sqlite3.OperationalError: disk I/O error"),
    (
        "sqlite_schema_malformed",
        'sqlite3.DatabaseError: malformed database schema (t) - near "x": syntax error',
    ),
    (
        "sqlite_too_old_library",
        "django.core.exceptions.ImproperlyConfigured: SQLite 3.31 or later is required (found 3.26.0).",
    ),
    ("sqlite_no_such_table", "sqlite3.OperationalError: no such table: users"),
    # wrapped in what logs put around them
    (
        "auth_failed",
        'postgres-1  | 2026-11-23 10:00:00.123 UTC [77] FATAL:  password authentication failed for user "app"',
    ),
    (
        "database_missing",
        '{"level":"error","ts":"2026-11-23T10:00:00Z","msg":"connect failed","err":"pq: database \\"app\\" does not exist"}',
    ),
    (
        "too_many_connections",
        "Nov 23 10:00:00 web1 app[812]: ERROR worker: SQLSTATE[08006] [7] FATAL:  sorry, too many clients already",
    ),
    ("deadlock", "SQLSTATE[40P01]: Deadlock detected: 7 ERROR:  deadlock detected"),
    ("sqlite_busy", "How do I fix this? sqlite3.OperationalError: database is locked"),
)

WITHOUT_CAUSE: tuple[str, ...] = (
    "redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connection refused.",
    "Could not connect to Redis at 127.0.0.1:6379: Connection refused",
    "requests.exceptions.ConnectionError: HTTPConnectionPool(host='api', port=8080): Max retries exceeded with url: / (Caused by NewConnectionError('Failed to establish a new connection: [Errno 111] Connection refused'))",
    "curl: (7) Failed to connect to localhost port 8080 after 0 ms: Connection refused",
    "ERROR 2002 (HY000): Can't connect to local MySQL server through socket '/var/run/mysqld/mysqld.sock' (2)",
    "pymysql.err.OperationalError: (1045, \"Access denied for user 'app'@'10.0.0.1' (using password: YES)\")",
    "pymongo.errors.ServerSelectionTimeoutError: localhost:27017: [Errno 111] Connection refused",
    "kafka.errors.NoBrokersAvailable: NoBrokersAvailable",
    "HTTP/1.1 401 Unauthorized",
    '10.0.0.1 - - [23/Nov/2026:10:00:00 +0000] "POST /login HTTP/1.1" 401 52',
    "Invalid credentials for user admin@example.com",
    'NOTICE:  relation "users" already exists, skipping',
    'NOTICE:  database "app" does not exist, skipping',
    'NOTICE:  table "t" does not exist, skipping',
    'ЗАМЕЧАНИЕ:  таблица "t" не существует, пропускается',
    "The phrase database is locked is a common topic in SQLite forums.",
    "How to avoid 'database is locked' errors in SQLite",
    "Our article explains what database is locked means and how WAL helps.",
    "fix: handle deadlock detected errors by retrying the transaction",
    "LOG:  checkpoint complete: wrote 312 buffers (1.9%); 0 WAL file(s) added, 0 removed, 1 recycled",
    "LOG:  database system is ready to accept connections",
    'LOG:  listening on IPv4 address "0.0.0.0", port 5432',
    "LOG:  connection authorized: user=app database=app",
    'INFO:  vacuuming "public.users"',
    'LOG:  automatic vacuum of table "app.public.users": index scans: 1',
    "Starting PostgreSQL 17.2 on port 5432",
    "pg_dump: saving encoding = UTF8",
    "pg_restore: connecting to database for restore",
    "Permission denied (publickey).",
    "bash: ./deploy.sh: Permission denied",
    "OSError: [Errno 28] No space left on device: '/tmp/cache/img.png'",
    'rsync: write failed on "/mnt/x": No space left on device (28)',
    "FileNotFoundError: [Errno 2] No such file or directory: 'settings.toml'",
    "ssh: connect to host example.com port 22: Connection timed out",
    "ssh: Could not resolve hostname example: Name or service not known",
    "OSError: [Errno 98] Address already in use: ('0.0.0.0', 8080)",
    "requests.exceptions.SSLError: HTTPSConnectionPool(host='api.example.com', port=443): certificate verify failed",
    "KeyError: 'user'",
    "ValueError: invalid literal for int() with base 10: 'x'",
    "User 42 not found",
    "The user does not exist in our records, please sign up",
    "file does not exist: /srv/app/static/logo.png",
    "grpc: error while dialing: dial tcp 10.0.0.9:50051: connect: connection refused",
    "amqp.exceptions: [Errno 111] Connection refused (rabbitmq:5672)",
    "elastic: dial tcp 10.0.0.1:9200: connect: connection refused",
    "Error: connect ECONNREFUSED 127.0.0.1:3000",
    "java.lang.OutOfMemoryError: Java heap space",
    "Out of memory: Killed process 881 (chrome) total-vm:9kB",
    "smtplib.SMTPAuthenticationError: (535, b'authentication failed')",
    "Disk usage is at 71 %",
    "Backup finished: 65 MB in 6.1 s",
    "",
    "hello world",
    "всё хорошо",
)
