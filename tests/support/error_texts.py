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
        'преобразовать имя "db" в адрес не удалось: Неизвестное имя или служба',
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
    # as other drivers, languages and tools put it
    (
        "connection_refused",
        'django.db.utils.OperationalError: connection to server at "127.0.0.1", port 5432 failed: Connection refused',
    ),
    (
        "connection_refused",
        'ActiveRecord::ConnectionNotEstablished: connection to server at "::1", port 5432 failed: Connection refused',
    ),
    (
        "connection_refused",
        "Npgsql.NpgsqlException (0x80004005): Failed to connect to 127.0.0.1:5432\n ---> System.Net.Sockets.SocketException (111): Connection refused",
    ),
    (
        "connection_refused",
        "Error: P1001: Can't reach database server at `localhost`:`5432`\n\nPlease make sure your database server is running at `localhost`:`5432`.",
    ),
    (
        "connection_refused",
        "Cannot connect to PostgreSQL: ConnectionRefusedError(111, \"Connect call failed ('172.18.0.2', 5432)\")",
    ),
    (
        "connection_refused",
        'SQLSTATE[08006] [7] could not connect to server: Connection refused Is the server running on host "db" (172.18.0.3) and accepting TCP/IP connections on port 5432?',
    ),
    ("connection_refused", "localhost:5432 - no response"),
    (
        "dns_failure",
        "psycopg.OperationalError: failed to resolve host 'db.internal.example': [Errno -2] Name or service not known",
    ),
    (
        "docker_host_not_resolvable",
        "java.net.UnknownHostException: postgres\n\tat org.postgresql.core.PGStream.createSocket(PGStream.java:260)",
    ),
    (
        "connect_timeout",
        "Npgsql.NpgsqlException: The operation has timed out ---> connect to 10.0.0.4:5432",
    ),
    (
        "no_route",
        "org.postgresql.util.PSQLException: The connection attempt failed. Caused by: java.net.NoRouteToHostException: No route to host",
    ),
    (
        "connect_timeout",
        "org.postgresql.util.PSQLException: The connection attempt failed.\nCaused by: java.net.SocketTimeoutException: Connect timed out",
    ),
    (
        "server_closed_connection",
        "Error: Connection terminated unexpectedly\n    at Connection.<anonymous> (/app/node_modules/pg/lib/client.js:132:73)",
    ),
    ("server_closed_connection", "pq: unexpected EOF / driver: bad connection"),
    ("server_closed_connection", "django.db.utils.InterfaceError: connection already closed"),
    (
        "tls_not_supported",
        "Error: The server does not support SSL connections\n at Socket.<anonymous> (pg/lib/connection.js)",
    ),
    (
        "tls_cert_invalid",
        "Error: self signed certificate in certificate chain at TLSSocket (pg/lib/connection)",
    ),
    (
        "tls_required",
        'FATAL: connection requires SSL / no pg_hba.conf entry for host "1.2.3.4", user "u", database "d", no encryption',
    ),
    (
        "auth_failed",
        "error: password authentication failed for user \"app\"\n  code: '28P01',\n  routine: 'auth_failed'",
    ),
    (
        "auth_failed",
        "Error: P1000: Authentication failed against database server at `localhost`, the provided database credentials for `app` are not valid.",
    ),
    ("auth_failed", "FATAL:  la autentificación password falló para el usuario «app»"),
    ("auth_failed", "FATAL:  authentification par mot de passe échouée pour l'utilisateur « app »"),
    ("auth_failed", 'FATAL:  ユーザー"app"のパスワード認証に失敗しました'),
    ("auth_failed", '致命错误:  用户 "app" Password 认证失败'),
    ("auth_failed", 'FATAL:  사용자 "app"의 password 인증을 실패했습니다'),
    ("auth_failed", 'ПОМИЛКА:  користувач "app" не пройшов автентифікацію за допомогою пароля'),
    (
        "database_missing",
        "Error: P1003: Database `app` does not exist on the database server at `localhost:5432`.",
    ),
    ("database_missing", 'FATAL:  データベース"app"は存在しません'),
    ("database_missing", '致命错误:  数据库 "app" 不存在'),
    ("database_missing", "FATAL:  no existe la base de datos «app»"),
    ("database_missing", 'FATAL:  "app" 데이터베이스 없음'),
    ("role_missing", "FATAL:  no existe el rol «app»"),
    ("role_missing", "FATAL:  le rôle « app » n'existe pas"),
    (
        "too_many_connections",
        "Error: P2037: Too many database connections opened: FATAL: sorry, too many clients already",
    ),
    (
        "too_many_connections",
        "FATAL:  remaining connection slots are reserved for non-replication superuser connections",
    ),
    ("too_many_connections", "FATAL: 53300: sorry, too many clients already"),
    (
        "client_pool_exhausted",
        "Error: timeout exceeded when trying to connect\n    at /app/node_modules/pg-pool/index.js:45:11",
    ),
    (
        "client_pool_exhausted",
        "psycopg_pool.PoolTimeout: couldn't get a connection after 30.00 sec",
    ),
    (
        "client_pool_exhausted",
        "Npgsql.NpgsqlException: The connection pool has been exhausted, either raise 'Max Pool Size' (currently 100) or 'Timeout' (currently 15 seconds) in your connection string.",
    ),
    (
        "client_pool_exhausted",
        "ActiveRecord::ConnectionTimeoutError: could not obtain a connection from the pool within 5.000 seconds (waited 5.001 seconds); all pooled connections were in use",
    ),
    ("starting_up", "/var/run/postgresql:5432 - rejecting connections"),
    (
        "disk_full",
        'sqlalchemy.exc.OperationalError: (psycopg2.errors.DiskFull) could not extend file "base/1/2": No space left on device',
    ),
    (
        "disk_full",
        'ОШИБКА:  не удалось увеличить файл "base/16384/16397": На устройстве не осталось свободного места',
    ),
    (
        "corruption",
        'ERROR:  could not read block 12 in file "base/16384/16397": read only 0 of 8192 bytes',
    ),
    ("corruption", "WARNING:  page verification failed, calculated checksum 1 but expected 2"),
    (
        "permission_denied_table",
        "asyncpg.exceptions.InsufficientPrivilegeError: permission denied for schema public",
    ),
    ("permission_denied_table", "ERROR:  permission denied for function pg_ls_waldir"),
    (
        "port_in_use",
        "Error starting userland proxy: listen tcp4 0.0.0.0:5432: bind: address already in use",
    ),
    (
        "data_dir_permissions",
        'initdb: error: could not change permissions of directory "/var/lib/postgresql/data": Operation not permitted',
    ),
    (
        "data_dir_permissions",
        "chown: changing ownership of '/var/lib/postgresql/data': Operation not permitted",
    ),
    (
        "bad_config",
        'LOG:  syntax error in file "/var/lib/postgresql/data/postgresql.conf" line 12, near token "="',
    ),
    ("bad_config", "FATAL:  could not load /etc/postgresql/17/main/pg_hba.conf"),
    (
        "pgbouncer_prepared_statement",
        'asyncpg.exceptions.InvalidSQLStatementNameError: prepared statement "__asyncpg_stmt_5__" does not exist\nHINT: NOTE: pgbouncer with pool_mode set to "transaction" or "statement" does not support prepared statements properly.',
    ),
    ("pgbouncer_auth", "ERROR:  SASL authentication failed (pgbouncer)"),
    ("pgbouncer_auth", "FATAL:  bouncer config error / no such user: app"),
    ("pgbouncer_pool_timeout", "pgbouncer cannot connect to server"),
    (
        "pgbouncer_pool_timeout",
        "ERROR:  server login has been failing, try again later (server_login_retry)",
    ),
    (
        "missing_extension",
        'ERROR:  extension "postgis" is not available\nDETAIL:  Could not open extension control file',
    ),
    (
        "missing_extension",
        "ERROR:  function uuid_generate_v4() does not exist\nHINT:  No function matches the given name and argument types.",
    ),
    (
        "postgres_no_such_table",
        'asyncpg.exceptions.UndefinedTableError: relation "alembic_version" does not exist',
    ),
    (
        "version_mismatch_pg_dump",
        "pg_dump: server version: 16.1; pg_dump version: 13.13\npg_dump: aborting because of server version mismatch",
    ),
    (
        "version_mismatch_pg_dump",
        "pg_dump: ошибка: продолжение работы с другой версией сервера невозможно\npg_dump: подробности: версия сервера: 17.2; версия pg_dump: 15.5",
    ),
    ("backup_no_space", "pg_dump: error: could not write to file: No space left on device"),
    (
        "restore_into_nonempty",
        'pg_restore: error: could not execute query: ERROR:  schema "public" already exists',
    ),
    (
        "restore_into_nonempty",
        'createdb: error: database creation failed: ERROR:  database "app" already exists',
    ),
    ("backup_zero_bytes", "db-backup: ERROR backup file app.sql.gz is empty (0 bytes)"),
    ("sqlite_busy", "[SQLITE_BUSY] The database file is locked (database is locked)"),
    ("sqlite_busy", "SqliteError: database is locked\n    at Statement.run"),
    ("sqlite_busy", "SQLSTATE[HY000]: General error: 5 database is locked"),
    (
        "sqlite_busy",
        "Microsoft.Data.Sqlite.SqliteException (0x80004005): SQLite Error 5: 'database is locked'.",
    ),
    ("sqlite_cantopen_missing_dir", "Error: SQLITE_CANTOPEN: unable to open database file"),
    (
        "sqlite_cantopen_missing_dir",
        'Error: unable to open database "/data/x.db": unable to open database file',
    ),
    (
        "sqlite_cantopen_missing_dir",
        "TypeError: Cannot open database because the directory does not exist",
    ),
    ("sqlite_cantopen_missing_dir", "SQLite Error 14: 'unable to open database file'."),
    ("sqlite_no_such_table", "SQLSTATE[HY000]: General error: 1 no such table: users"),
    ("sqlite_no_such_table", "Error: in prepare, no such table: users"),
    ("sqlite_readonly", "Error: SQLITE_READONLY: attempt to write a readonly database"),
    ("sqlite_readonly", "SQLSTATE[HY000]: General error: 8 attempt to write a readonly database"),
    ("sqlite_corrupt", "Error: stepping, database disk image is malformed (11)"),
    ("sqlite_notadb", "Parse error: file is not a database (26)"),
    (
        "sqlite_full",
        "[SQLITE_FULL] Insertion failed because database is full (database or disk is full)",
    ),
    ("recovery_conflict", "FATAL:  terminating connection due to conflict with recovery"),
    (
        "connect_timeout",
        "ОШИБКА: не удалось подключиться к серверу: Время ожидания соединения истекло",
    ),
    (
        "admin_termination",
        "error: terminating connection due to administrator command code: '57P01'",
    ),
    (
        "statement_timeout",
        "PG::QueryCanceled: ERROR:  canceling statement due to statement timeout",
    ),
    ("deadlock", "ERROR:  interblocage (deadlock) détecté"),
    ("in_recovery_read_only", "PSQLException: ERROR: cannot execute nextval() during recovery"),
    (
        "wal_segment_removed",
        "pg_basebackup: error: could not receive data from WAL stream: ERROR:  requested WAL segment 00000001000000000000000A has already been removed",
    ),
    (
        "tls_cert_invalid",
        "asyncpg: ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate (_ssl.c:1006) while connecting to postgres",
    ),
    ("tls_cert_invalid", "x509: certificate signed by unknown authority (pgx)"),
    (
        "tls_cert_invalid",
        "org.postgresql.util.PSQLException: SSL error: PKIX path building failed: unable to find valid certification path to requested target",
    ),
    (
        "hba_rejected",
        'org.postgresql.util.PSQLException: FATAL: no pg_hba.conf entry for host "10.0.0.1", user "a", database "b", SSL encryption',
    ),
    (
        "no_password",
        "org.postgresql.util.PSQLException: The server requested SCRAM-based authentication, but no password was provided.",
    ),
    (
        "no_password",
        "Npgsql.NpgsqlException: No password has been provided but the backend requires one (in SCRAM-SHA-256)",
    ),
    (
        "auth_failed",
        'psycopg.OperationalError: connection failed: connection to server at "10.0.0.1", port 5432 failed: FATAL:  password authentication failed for user "x"',
    ),
    (
        "auth_failed",
        'Sequelize: SequelizeConnectionError: password authentication failed for user "root"',
    ),
    ("role_missing", 'Fatal error: role "root" does not exist'),
    ("database_missing", 'java: FATAL: database "my-app" does not exist'),
    ("database_missing", 'createdb first: psql: FATAL:  database "root" does not exist'),
    ("restore_wrong_tool", 'psql:dump.dump:1: ERROR:  syntax error at or near "PGDMP"'),
    ("missing_role_on_restore", 'psql:backup.sql:35: ERROR:  role "codelab" does not exist'),
    ("restore_into_nonempty", 'psql:backup.sql:35: ERROR:  relation "users" already exists'),
    ("backup_truncated", "gzip: app.sql.gz: unexpected end of file"),
    ("backup_truncated", "pg_restore: error: could not uncompress data: (null)"),
    ("backup_not_an_archive", "pg_restore: [archiver] did not find magic string in file header"),
    ("permission_denied_file", "bash: /backups/app.sql: Permission denied"),
    (
        "permission_denied_file",
        "PermissionError: [Errno 13] Permission denied: '/var/backups/agent_runtime.dump'",
    ),
    ("pg_dump_not_found", 'exec: "pg_dump": executable file not found in $PATH'),
    ("pg_dump_not_found", "bash: pg_dump: command not found"),
    ("backup_dir_missing", "bash: /backups/db/app.sql: No such file or directory"),
    (
        "backup_file_missing",
        "cp: cannot stat 'agent-runtime/data/agent_runtime.db': No such file or directory",
    ),
    (
        "sqlite_cantopen_permission",
        "PermissionError: [Errno 13] Permission denied: '/app/data/auth.db'",
    ),
    (
        "sqlite_cantopen_missing_dir",
        "FileNotFoundError: [Errno 2] No such file or directory: '/app/data/auth.db'",
    ),
    ("sqlite_locked_shared_cache", "SQLITE_LOCKED: database table is locked: users"),
    ("sqlite_wal_on_network_fs", "sqlite3.OperationalError: locking protocol"),
    (
        "sqlite_too_old_library",
        "RuntimeError: Your system has an unsupported version of sqlite3. Chroma requires sqlite3 >= 3.35.0.",
    ),
    ("sqlite_schema_malformed", "Error: malformed database schema (idx_x) - no such table: main.x"),
    ("sqlite_slow_in_docker", "SQLite is very slow in Docker on a bind mount"),
    ("sqlite_index_corrupt", "wrong # of entries in index users_email"),
    ("wraparound", 'WARNING:  database "app" must be vacuumed within 1234567 transactions'),
    ("replication_slot_missing", 'ERROR:  replication slot "s1" does not exist'),
    (
        "wal_archive_failed",
        'WARNING:  archiving write-ahead log file "000000010000000000000001" failed too many times, will try again later',
    ),
    ("index_corruption", 'ERROR:  could not find left sibling of block 12 in index "x"'),
    ("corruption", "ERROR:  missing chunk number 0 for toast value 123 in pg_toast_2619"),
    ("corruption", 'ERROR:  could not open file "base/16384/16397": No such file or directory'),
    (
        "collation_mismatch",
        'WARNING:  database "postgres" has a collation version mismatch\nDETAIL:  The database was created using collation version 2.31, but the operating system provides version 2.36.',
    ),
    (
        "encoding",
        'ERROR:  character with byte sequence 0xe2 0x80 0x99 in encoding "UTF8" has no equivalent in encoding "LATIN1"',
    ),
    ("out_of_memory", "FATAL:  could not map anonymous shared memory: Cannot allocate memory"),
    (
        "docker_shm_size",
        'ERROR: could not resize shared memory segment "/PostgreSQL.123" to 8388608 bytes: No space left on device',
    ),
    (
        "in_recovery_read_only",
        "ERROR:  cannot execute CREATE TABLE in a read-only transaction\nHINT: server is in hot standby mode",
    ),
    (
        "pgbouncer_startup_parameter",
        "org.postgresql.util.PSQLException: ERROR: unsupported startup parameter: search_path",
    ),
    (
        "pgbouncer_no_such_database",
        'psql: error: connection to server at "pgbouncer", port 6432 failed: FATAL:  no such database: appdb',
    ),
    ("driver_missing", "ImproperlyConfigured: Error loading psycopg2 or psycopg module"),
    ("driver_missing", "could not find driver (Connection: pgsql)"),
    (
        "data_dir_version_mismatch",
        "Error: in 18+, these Docker images are configured to store database data in a format which is compatible with pg_ctlcluster. there appears to be PostgreSQL data in: /var/lib/postgresql/data (unused mount/volume)",
    ),
    (
        "data_dir_invalid",
        'postgres: "/var/lib/postgresql/data" is not a valid data directory\nFile "PG_VERSION" is missing.',
    ),
    (
        "stale_or_running_postmaster",
        "FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use",
    ),
    (
        "passfile_permissions",
        'ПРЕДУПРЕЖДЕНИЕ: к файлу паролей "/root/.pgpass" имеют доступ все или группа; права должны быть u=rw (0600) или более ограниченные',
    ),
    (
        "connection_refused",
        "[2026-11-23 10:00:00] ERROR sqlalchemy.pool.impl.QueuePool - Connection refused 5432",
    ),
    ("database_missing", 'Ошибка: база данных "app" не существует'),
    (
        "sqlite_no_such_table",
        "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) no such table: sessions",
    ),
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
    "INFO Database connection established to postgres:5432",
    "ERROR payment gateway timeout: read timed out",
    "nginx: connect() failed (111: Connection refused) while connecting to upstream",
    "WARN retrying in 5s: dial tcp 10.0.0.9:8500: connect: connection refused",
    "docker: Error response from daemon: No such container: web",
    "ModuleNotFoundError: No module named 'flask'",
    "npm ERR! code ENOENT",
    "fatal: repository 'https://github.com/x/y.git/' not found",
    "pg_dump: reading schemas",
    'pg_dump: dumping contents of table "public.users"',
    "CREATE TABLE IF NOT EXISTS users",
    "We moved from sqlite to postgresql last year and never looked back.",
    "feat: support password authentication for postgres",
    "PostgreSQL init process complete; ready for start up.",
    "FATAL: kernel too old",
    "fatal error: 'Python.h' file not found",
    "Unauthorized: role admin required",
    "AssertionError: 3 != 4",
    "mongod: data directory /data/db not found",
    "EACCES: permission denied, open '/etc/shadow'",
    "tests/test_db.py::test_password_authentication_failed PASSED",
    "LOG:  could not receive data from client: Connection reset by peer",
    "HTTP 503 Service Unavailable",
    "[Errno 32] Broken pipe",
    "kubectl: The connection to the server localhost:8080 was refused - did you specify the right host or port?",
    'level=info msg="table users does not exist yet, creating"',
    'psql (17.2)\nType "help" for help.',
    "WARNING: This version of pip is out of date",
    "SELECT count(*) FROM pg_stat_activity",
    'vacuumdb: vacuuming database "app"',
    "Host key verification failed.",
    "The certificate has expired on api.example.com",
    "TLS handshake error from 10.0.0.1:5555: EOF",
    "HINT:  No function matches the given name and argument types.",
    "disk quota exceeded for user bob",
    "memory usage 91%",
    "Killed",
    "gaierror: [Errno -2] Name or service not known",
    "requests timed out",
    'ERROR:  syntax error at or near "SELEC"',
    'ERROR:  duplicate key value violates unique constraint "users_pkey"',
    'ERROR:  null value in column "x" violates not-null constraint',
    "ERROR:  division by zero",
    "sqlite3.IntegrityError: UNIQUE constraint failed: users.email",
    'asyncpg.exceptions.UniqueViolationError: duplicate key value violates unique constraint "x"',
    'NOTICE:  extension "pgcrypto" already exists, skipping',
    "LOG:  shutting down",
    "LOG:  database system was shut down at 2026-11-23 10:00:00 UTC",
    "LOG:  incomplete startup packet",
    "LOG:  redo starts at 0/15",
    "Skipping initialization",
    "grafana: database is locked down for maintenance window tomorrow",
    "users table is locked by policy",
    "The disk image is malformed, please re-download the ISO",
    "mysql: Table 'app.users' doesn't exist",
    "ERROR 1045 (28000): Access denied for user 'root'@'localhost' (using password: YES)",
    "SQLSTATE[HY000] [2002] Connection refused",
    "SQLSTATE[42S02]: Base table or view not found: 1146 Table 'x.y' doesn't exist",
    "INFO: reconnecting after connection reset by peer (mqtt broker)",
    "java.net.ConnectException: Connection refused (Connection refused) at http client",
    "AuthenticationFailed: password authentication failed for API key",
    "a quick guide: what to do when the database system is starting up",
    "if you see 'FATAL: role does not exist' then create it",
    "docs: explain permission denied for table errors",
    "redis: LOADING Redis is loading the dataset in memory",
    "redis: -NOAUTH Authentication required",
    "WRONGPASS invalid username-password pair",
    "vault: permission denied",
    "ImportError: cannot import name 'x' from 'psycopg2'",
    "systemd[1]: Started PostgreSQL RDBMS.",
    "pg_isready: localhost:5432 - accepting connections",
    "localhost:5432 - accepting connections",
)
