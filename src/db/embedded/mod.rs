//! A private PostgreSQL for a machine without one.
//!
//! In the data directory:
//!
//! ```text
//! postgres               the cluster, or a link to it; postgres.log in there is the server's log
//! postgres.password      the password of its one role
//! postgres.start.lock    held while a process creates, starts or stops the server
//! postgres.use.lock      shared by all processes that use the server
//! ```
//!
//! The server listens on a Unix socket only, runs in a session of its own, and outlives whoever
//! started it when that process crashes: the next [`EmbeddedPostgres::start`] joins it.

mod machine;

use std::{
    fmt,
    fs::{self, File, Permissions},
    io::{self, ErrorKind, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
        net::UnixStream,
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use machine::{
    cannot, choose_account, choose_cluster, choose_sockets, command, find_programs, last_lines, open_lock, own,
    percent_encoded, read_password, replace, run,
};
use nix::unistd::User;

/// The role, a superuser, and its database.
const NAME: &str = "dossier";
/// The socket's name ends with it, so it is fixed: PGPORT may say something else.
const SOCKET: &str = ".s.PGSQL.5432";
const PORT: &str = "5432";
/// After a crash, a server first replays its write-ahead log.
const PATIENCE: Duration = Duration::from_secs(60);
const LOG: &str = "postgres.log";
const LOG_BYTES: u64 = 1 << 20;

const SETTINGS: [(&str, &str); 10] = [
    ("listen_addresses", ""),
    ("port", PORT),
    ("unix_socket_permissions", "0700"),
    ("shared_buffers", "128MB"),
    ("max_connections", "100"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    // A refused statement is the caller's to report; here it would show customers' data.
    ("log_min_messages", "log"),
    ("log_min_error_statement", "panic"),
    ("log_checkpoints", "off"),
];

/// Why the server could not be started, in one line that says what to do.
#[derive(Debug)]
pub struct StartError(String);

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

/// A running server that this process uses.
///
/// Dropping it only tells other processes that this one is done, as a crash would: it neither
/// waits nor stops anything. [`EmbeddedPostgres::stop`] does.
pub struct EmbeddedPostgres {
    server: Server,
    url: String,
    starting: File,
    using: File,
}

impl EmbeddedPostgres {
    /// Starts the server of `data_dir`, or joins it when it already runs, and waits until it
    /// accepts connections. The cluster, with a database `dossier`, is created on first use.
    ///
    /// `settings` go above the usual server settings; a server that is joined keeps its own.
    pub fn start(data_dir: &Path, settings: &[(&str, &str)]) -> Result<Self, StartError> {
        fs::create_dir_all(data_dir).map_err(cannot("create", data_dir))?;
        let data_dir = &data_dir.canonicalize().map_err(cannot("enter", data_dir))?;
        let link = &data_dir.join("postgres");
        let account = choose_account(data_dir, link)?;

        // First the one, then the other, here and in `stop`: nobody joins what is being stopped.
        let starting = open_lock(&data_dir.join("postgres.start.lock"))?;
        starting.lock().map_err(cannot("lock", data_dir))?;
        let using = open_lock(&data_dir.join("postgres.use.lock"))?;
        using.lock_shared().map_err(cannot("lock", data_dir))?;

        let programs = find_programs(&account, link)?;
        let cluster = choose_cluster(&account, &programs, data_dir, link)?;
        let password = read_password(&data_dir.join("postgres.password"), &cluster)?;
        let server = Server { sockets: choose_sockets(&account, &cluster)?, account, programs, cluster };
        if !server.cluster.exists() {
            server.create(&password, settings)?;
        }
        if fs::symlink_metadata(link).is_err() {
            symlink(&server.cluster, link).map_err(cannot("create", link))?;
            tracing::info!(
                "{} can't enter {}: the database is kept in {}",
                server.account.name,
                data_dir.display(),
                server.cluster.display(),
            );
        }
        server.start(settings)?;
        starting.unlock().map_err(cannot("unlock", data_dir))?;

        let url = format!(
            "postgresql://{NAME}:{}@{}:{PORT}/{NAME}",
            percent_encoded(password.as_bytes()),
            percent_encoded(server.sockets.as_os_str().as_bytes()),
        );
        Ok(Self { server, url, starting, using })
    }

    /// Where to connect, password included, for libpq and psql.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops the server, cutting its connections, unless another process still uses it.
    pub fn stop(self) {
        let last = || {
            self.starting.lock()?;
            self.using.unlock()?;
            self.using.try_lock().map_err(io::Error::from)
        };
        if last().is_ok()
            && let Err(error) = self.server.stop()
        {
            tracing::warn!("the database server was not stopped: {error}");
        }
    }
}

/// A cluster and what it takes to run it.
struct Server {
    account: User,
    programs: PathBuf,
    cluster: PathBuf,
    sockets: PathBuf,
}

impl Server {
    /// Prepares the cluster under another name, so that it is there as a whole or not at all.
    fn create(&self, password: &str, settings: &[(&str, &str)]) -> Result<(), StartError> {
        tracing::info!("creating a database in {}", self.cluster.display());
        let parent = self.cluster.parent().unwrap_or(Path::new("/"));
        let name = self.cluster.file_name().unwrap_or_default();
        let prefix = format!(".{}.new-", name.display());
        for found in fs::read_dir(parent).into_iter().flatten().flatten() {
            if found.file_name().as_bytes().starts_with(prefix.as_bytes()) {
                let _ = fs::remove_dir_all(found.path());
            }
        }
        let folder = tempfile::Builder::new()
            .prefix(&prefix)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent)
            .map_err(cannot("write in", parent))?;
        let folder = folder.path();
        replace(&folder.join("password"), password, Some(&self.account))?;
        own(&self.account, folder).map_err(cannot("hand over", folder))?;

        let initdb = |locale: &str| {
            let mut command = command(&self.account, &self.programs, "initdb", folder);
            command
                .args(["--pgdata=cluster", "--username", NAME])
                .args(["--pwfile=password", "--auth=scram-sha-256"])
                .args(["--encoding=UTF8", "--locale", locale])
                .args(["--data-checksums", "--no-instructions"]);
            if settings.contains(&("fsync", "off")) {
                command.arg("--no-sync");
            }
            run(command, "")
        };
        // Every system has C, which knows no letters beyond ASCII; most have C.UTF-8.
        initdb("C.UTF-8").or_else(|_| initdb("C"))?;

        let mut single = command(&self.account, &self.programs, "postgres", folder);
        single.args(["--single", "-D", "cluster"]);
        single.args(["-c", "exit_on_error=true", "postgres"]);
        run(single, &format!("CREATE DATABASE {NAME}\n"))?;

        let made = &folder.join("cluster");
        File::options()
            .append(true)
            .open(made.join("postgresql.conf"))
            .and_then(|mut file| file.write_all(b"include_if_exists = 'dossier.conf'\n"))
            .and_then(|()| fs::rename(made, &self.cluster))
            .and_then(|()| File::open(parent)?.sync_all())
            .map_err(cannot("create", &self.cluster))
    }

    fn start(&self, settings: &[(&str, &str)]) -> Result<(), StartError> {
        let deadline = Instant::now() + PATIENCE;
        // What passes: a server on its way up or down, and the last processes of a killed one,
        // to which a new one answers with this message.
        let passes =
            |StartError(reason): &StartError| self.is_alive() || reason.contains("pre-existing shared memory block");
        loop {
            let outcome = if self.is_ready() {
                Ok(())
            } else if self.is_alive() {
                Err("it runs but isn't ready, so start again to wait on".to_owned())
            } else {
                self.launch(settings).map_err(|error| error.0)
            };
            let outcome = outcome.map_err(|reason| {
                let log = self.cluster.join(LOG);
                let end = last_lines(&fs::read(&log).unwrap_or_default());
                let log = log.display();
                StartError(format!("PostgreSQL didn't start: {reason}; {log}: {end}"))
            });
            match outcome {
                Err(error) if passes(&error) && Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(100));
                }
                outcome => return outcome,
            }
        }
    }

    fn launch(&self, settings: &[(&str, &str)]) -> Result<(), StartError> {
        let sockets = self.sockets.to_string_lossy();
        let mut lines = String::from("# Written anew at every start; use ALTER SYSTEM instead.\n");
        for (name, value) in SETTINGS.iter().chain(&[("unix_socket_directories", &*sockets)]).chain(settings) {
            let value = value.replace('\\', r"\\").replace('\'', "''");
            lines.push_str(&format!("{name} = '{value}'\n"));
        }
        let file = &self.cluster.join("dossier.conf");
        replace(file, &lines, Some(&self.account))?;

        let log = self.cluster.join(LOG);
        if fs::metadata(&log).is_ok_and(|found| found.len() > LOG_BYTES) {
            let _ = fs::rename(&log, log.with_extension("log.old"));
        }
        self.pg_ctl(&["start", "--log", LOG])
    }

    fn stop(&self) -> Result<(), StartError> {
        self.pg_ctl(&["stop", "--mode=fast"])?;
        if self.sockets != self.cluster {
            let _ = fs::remove_dir(&self.sockets);
        }
        Ok(())
    }

    fn pg_ctl(&self, args: &[&str]) -> Result<(), StartError> {
        let mut command = command(&self.account, &self.programs, "pg_ctl", &self.cluster);
        // It hands its arguments to a shell, and a path may hold anything.
        command.env("PGDATA", &self.cluster).args(args);
        command.args(["--timeout", &PATIENCE.as_secs().to_string()]);
        run(command, "")
    }

    /// Whether the process that `postmaster.pid` names is this cluster's server.
    ///
    /// PostgreSQL takes any process of its account for one, even a dead one that nobody waited
    /// for. Numbers come back after a reboot and in a container, so where there is a /proc this
    /// looks closer, and removes the files that would keep the server from starting.
    fn is_alive(&self) -> bool {
        let file = self.cluster.join("postmaster.pid");
        let text = fs::read_to_string(&file).unwrap_or_default();
        let Some(pid) = text.lines().next() else {
            return false;
        };
        // A minus sign marks a server in single-user mode.
        match fs::read_link(format!("/proc/{}/cwd", pid.trim_start_matches('-'))) {
            Ok(folder) if folder == self.cluster => return true,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound && Path::new("/proc/self").exists() => {}
            Err(_) => return self.pg_ctl(&["status"]).is_ok(),
        }
        let _ = fs::remove_file(self.sockets.join(format!("{SOCKET}.lock")));
        let _ = fs::remove_file(file);
        false
    }

    /// Whether the server accepts connections: its file's eighth line says so, and is still there
    /// after a crash.
    fn is_ready(&self) -> bool {
        fs::read_to_string(self.cluster.join("postmaster.pid"))
            .is_ok_and(|text| text.lines().nth(7).map(str::trim) == Some("ready"))
            && UnixStream::connect(self.sockets.join(SOCKET)).is_ok()
    }
}
