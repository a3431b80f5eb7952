//! A database for each test, from a template that is migrated once.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use dossier::db::Db;
use dossier::db::embedded::EmbeddedPostgres;
use sha2::{Digest, Sha256};
use url::Url;

/// Nothing in there outlives a test, so nothing has to reach the disk.
const SETTINGS: [(&str, &str); 5] = [
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("synchronous_commit", "off"),
    ("max_connections", "400"),
    ("max_wal_size", "4GB"),
];
const CONNECTIONS: u32 = 8;

/// A migrated, empty database; dropping it drops it.
pub struct Database {
    name: String,
}

impl Database {
    pub fn create() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let mut server = Server::get();
        let name = format!("dossier_test_{}_{}", server.run, NUMBER.fetch_add(1, Ordering::Relaxed));
        let template = server.template.clone();
        server.execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"));
        Self { name }
    }

    pub fn connect(&self) -> Db {
        Db::connect(&self.url(), CONNECTIONS).unwrap()
    }

    /// Runs SQL, for what can't be reached through the API, such as the passing of time.
    pub fn execute(&self, sql: &str) {
        PgConnection::establish(&self.url()).unwrap().batch_execute(sql).unwrap();
    }

    /// The number that the query, such as `SELECT count(*) FROM events`, answers with.
    pub fn number(&self, query: &str) -> i64 {
        number(&mut PgConnection::establish(&self.url()).unwrap(), query)
    }

    fn url(&self) -> String {
        let url = Server::get().url.clone();
        with_database(&url, &self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let dropping = format!("DROP DATABASE IF EXISTS {}", self.name);
        let conn = &mut Server::get().conn;
        // It waits for connections that are about to end; those of what a test left running are cut.
        let dropped =
            conn.batch_execute(&dropping).or_else(|_| conn.batch_execute(&format!("{dropping} WITH (FORCE)")));
        if let Err(error) = dropped {
            eprintln!("{} stays behind: {error}", self.name);
        }
    }
}

/// The PostgreSQL server of this run: that of `TEST_DATABASE_URL`, whose user may create databases, else a private one.
struct Server {
    url: String,
    conn: PgConnection,
    /// Names this run; locked while it goes on.
    run: i64,
    template: String,
    _postgres: Option<EmbeddedPostgres>,
}

impl Server {
    fn get() -> MutexGuard<'static, Self> {
        static SERVER: LazyLock<Mutex<Server>> = LazyLock::new(|| Mutex::new(Server::start()));
        SERVER.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn start() -> Self {
        let (postgres, url) = match std::env::var("TEST_DATABASE_URL") {
            Ok(url) if !url.is_empty() => (None, url),
            _ => {
                let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("test-postgres");
                let postgres = EmbeddedPostgres::start(&folder, &SETTINGS).unwrap_or_else(|error| panic!("{error}"));
                stop_at_the_end(&folder);
                let url = postgres.url().to_owned();
                (Some(postgres), url)
            }
        };
        let mut conn = PgConnection::establish(&url).unwrap();
        let run = i64::from(std::process::id()) << 20 | number(&mut conn, "SELECT floor(random() * 1048576)::bigint");
        conn.batch_execute(&format!("SET client_min_messages = warning; SELECT pg_advisory_lock({run})")).unwrap();
        let mut server = Self { url, conn, run, template: String::new(), _postgres: postgres };
        server.sweep();
        server.prepare_template();
        server
    }

    /// Drops what killed runs have left: databases of runs that nobody has locked.
    fn sweep(&mut self) {
        for name in self.databases("dossier\\_test\\_%") {
            let run: Option<i64> = name.split('_').nth(2).and_then(|run| run.parse().ok());
            if run.is_some_and(|run| run != self.run && self.lock(run)) {
                self.execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
            }
        }
    }

    /// Migrates the template of these migrations, unless an earlier run did.
    fn prepare_template(&mut self) {
        let migrations = hash_of_migrations();
        self.template = format!("dossier_template_{migrations}");
        self.execute("SELECT pg_advisory_lock(hashtext('dossier templates'))");
        let known = self.databases("dossier\\_template\\_%");
        if !known.contains(&self.template) {
            let draft = format!("dossier_draft_{migrations}");
            self.execute(&format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)"));
            self.execute(&format!("CREATE DATABASE {draft}"));
            let db = Db::connect(&with_database(&self.url, &draft), 1).unwrap();
            db.migrate().unwrap();
            drop(db);
            let rename = format!("ALTER DATABASE {draft} RENAME TO {}", self.template);
            // Its connections end in a moment.
            for _ in 0..100 {
                if self.conn.batch_execute(&rename).is_ok() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        self.execute("SELECT pg_advisory_unlock(hashtext('dossier templates'))");
    }

    fn databases(&mut self, pattern: &str) -> Vec<String> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            datname: String,
        }
        let rows: Vec<Row> = diesel::sql_query("SELECT datname::text FROM pg_database WHERE datname LIKE $1")
            .bind::<Text, _>(pattern)
            .load(&mut self.conn)
            .unwrap();
        rows.into_iter().map(|row| row.datname).collect()
    }

    fn lock(&mut self, run: i64) -> bool {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Bool)]
            locked: bool,
        }
        let row: Row = diesel::sql_query("SELECT pg_try_advisory_lock($1) AS locked")
            .bind::<BigInt, _>(run)
            .get_result(&mut self.conn)
            .unwrap();
        row.locked
    }

    fn execute(&mut self, sql: &str) {
        self.conn.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// Statics aren't dropped. So a process that outlives this one joins the server and leaves it again as the last, which
/// stops it; not if another run has come in between.
fn stop_at_the_end(data_dir: &Path) {
    Command::new("sh")
        .args(["-c", "read -r _; exec \"$0\" migrate", env!("CARGO_BIN_EXE_dossier")])
        .env("DOSSIER_DATA_DIR", data_dir)
        .env_remove("DATABASE_URL")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        // The pipe is closed when this process ends, whatever ends it.
        .map(std::mem::forget)
        .unwrap();
}

fn number(conn: &mut PgConnection, query: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    let row: Row = diesel::sql_query(format!("SELECT ({query})::bigint AS number")).get_result(conn).unwrap();
    row.number
}

fn with_database(url: &str, name: &str) -> String {
    let mut url = Url::parse(url).unwrap();
    url.set_path(name);
    url.into()
}

fn hash_of_migrations() -> String {
    let mut hash = Sha256::new();
    for file in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")) {
        hash.update(file.to_string_lossy().as_bytes());
        hash.update(std::fs::read(file).unwrap());
    }
    hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// Every file below a folder, in order.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
