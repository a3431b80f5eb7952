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

use std::{
    env, fmt,
    fs::{self, DirBuilder, File, Permissions},
    io::{self, ErrorKind, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, PermissionsExt, lchown, symlink},
        net::UnixStream,
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::unistd::{Uid, User};
use rand::distr::{Alphanumeric, SampleString};
use sha2::{Digest, Sha256};

/// The role, a superuser, and its database.
const NAME: &str = "dossier";
/// The socket's name ends with it, so it is fixed: PGPORT may say something else.
const SOCKET: &str = ".s.PGSQL.5432";
const PORT: &str = "5432";
const OLDEST_VERSION: u32 = 14;
/// After a crash, a server first replays its write-ahead log.
const PATIENCE: Duration = Duration::from_secs(60);
const LOG: &str = "postgres.log";
const LOG_BYTES: u64 = 1 << 20;
/// For clusters of an account that can't enter the data directory.
const ELSEWHERE: &str = "/var/lib/dossier";
/// What a socket's address holds, without the final NUL.
const SOCKET_BYTES: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

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

/// Folders that hold a folder for each version, and what stands before the number.
const VERSIONED: [(&str, &str); 4] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql@"),
    ("/usr/local/opt", "postgresql@"),
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

/// Who runs the server's programs: oneself, or someone else in place of root, whom PostgreSQL
/// refuses.
fn choose_account(data_dir: &Path, link: &Path) -> Result<User, StartError> {
    let me = Uid::effective();
    let owner = fs::metadata(link).map(|found| Uid::from_raw(found.uid()));
    let stand_in = || match User::from_name("postgres") {
        Ok(None) => User::from_name("nobody"),
        found => found,
    };
    let own = || {
        if me.is_root() { stand_in() } else { User::from_uid(me) }
    };
    let user = match owner {
        Ok(owner) if !owner.is_root() && (me.is_root() || me == owner) => User::from_uid(owner),
        _ => own(),
    };
    let user = user.ok().flatten().ok_or_else(|| {
        StartError(format!(
            "PostgreSQL can't run as root, nor as a user without a name, and user {me} has no \
             other: start as another user, or set DATABASE_URL"
        ))
    })?;
    match owner {
        Ok(owner) if owner != user.uid => Err(StartError(format!(
            "the database in {0} belongs to user {owner} and would be run by {1}: start as its \
             owner, or stop it and `chown -R {1} '{0}' '{2}'`, or remove it",
            data_dir.display(),
            user.name,
            link.canonicalize().unwrap_or_default().display(),
        ))),
        _ => Ok(user),
    }
}

/// The folder with the server's programs: of the version that made the cluster, if there is one.
fn find_programs(account: &User, link: &Path) -> Result<PathBuf, StartError> {
    let made = fs::read_to_string(link.join("PG_VERSION")).ok();
    let made: Option<u32> = made.and_then(|text| text.trim().parse().ok());

    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(String::from_utf8_lossy(&output.stdout).trim().into());
    }
    for (parent, prefix) in VERSIONED {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        let mut found: Vec<(u32, PathBuf)> = entries
            .filter_map(|entry| {
                let name = entry.file_name();
                let version = name.to_str()?.strip_prefix(prefix)?.parse().ok()?;
                Some((version, entry.path().join("bin")))
            })
            .collect();
        found.sort();
        folders.extend(found.into_iter().rev().map(|(_, folder)| folder));
    }
    let fits = |folder: &PathBuf| {
        let has = |program: &&str| folder.join(program).is_file();
        folder.is_absolute()
            && ["initdb", "pg_ctl", "postgres"].iter().all(has)
            && version(account, folder).is_some_and(|found| made.map_or(found >= OLDEST_VERSION, |made| found == made))
    };
    folders.into_iter().find(fits).ok_or_else(|| {
        let missing = match made {
            Some(made) => format!("PostgreSQL {made}, which made {},", link.display()),
            None => format!("PostgreSQL {OLDEST_VERSION} or newer"),
        };
        let install = if cfg!(target_os = "macos") {
            format!("brew install postgresql@{}", made.unwrap_or(17))
        } else {
            let version = made.map(|made| format!("-{made}")).unwrap_or_default();
            format!("apt-get install -y postgresql{version}")
        };
        StartError(format!("{missing} isn't installed: run `{install}`, or set DATABASE_URL to another server"))
    })
}

/// The major version, from a line as `pg_ctl (PostgreSQL) 17.2 (Debian 17.2-1)`.
fn version(account: &User, programs: &Path) -> Option<u32> {
    let output = command(account, programs, "pg_ctl", Path::new("/")).arg("--version").output().ok()?;
    let line = String::from_utf8_lossy(&output.stdout);
    let (_, version) = line.split_once("(PostgreSQL) ")?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Where the cluster is, or is to be.
fn choose_cluster(account: &User, programs: &Path, data_dir: &Path, link: &Path) -> Result<PathBuf, StartError> {
    if fs::symlink_metadata(link).is_ok() {
        return link.canonicalize().map_err(|error| {
            let link = link.display();
            StartError(format!("{link} leads nowhere: bring its target back, or remove it: {error}"))
        });
    }
    // A program's folder is entered with the rights of its account.
    let entered = command(account, programs, "pg_ctl", data_dir).arg("--version").output();
    if !entered.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied) {
        return Ok(link.to_owned());
    }
    let elsewhere = Path::new(ELSEWHERE);
    fs::create_dir_all(elsewhere)
        .and_then(|()| fs::set_permissions(elsewhere, Permissions::from_mode(0o755)))
        .map_err(cannot("create", elsewhere))?;
    Ok(elsewhere.join(short_hash(data_dir)))
}

/// The cluster itself, or a short and plain path if the socket's would be too long or hold what
/// the server and libpq take for the end of a path.
fn choose_sockets(account: &User, cluster: &Path) -> Result<PathBuf, StartError> {
    let odd = |c: char| c == ',' || c == '"' || c.is_control();
    let socket = cluster.join(SOCKET);
    if socket.to_str().is_some_and(|path| path.len() <= SOCKET_BYTES && !path.contains(odd)) {
        return Ok(cluster.to_owned());
    }
    let folder = PathBuf::from(format!("/tmp/dossier-{}", short_hash(cluster)));
    let _ = DirBuilder::new().mode(0o700).create(&folder);
    // Someone else may have made it, to be told the password.
    let found = fs::symlink_metadata(&folder).map_err(cannot("enter", &folder))?;
    let ours = [account.uid, Uid::effective()].contains(&Uid::from_raw(found.uid()));
    if !(ours && found.is_dir() && found.mode() & 0o077 == 0) {
        let folder = folder.display();
        return Err(StartError(format!("{folder} is someone else's: remove it")));
    }
    own(account, &folder).map_err(cannot("hand over", &folder))?;
    Ok(folder)
}

fn read_password(file: &Path, cluster: &Path) -> Result<String, StartError> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound && !cluster.exists() => {
            let password = Alphanumeric.sample_string(&mut rand::rng(), 32);
            replace(file, &password, None)?;
            Ok(password)
        }
        Err(error) => Err(StartError(format!(
            "cannot read {}: {error}: put it back, or remove the database in {}, which needs it",
            file.display(),
            cluster.display(),
        ))),
    }
}

/// A command that gets nothing from this process's environment, where its secrets may be.
fn command(account: &User, programs: &Path, program: &str, folder: &Path) -> Command {
    let mut command = Command::new(programs.join(program));
    command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default()).env("LC_ALL", "C").current_dir(folder);
    if Uid::effective().is_root() {
        command.uid(account.uid.as_raw()).gid(account.gid.as_raw());
    }
    command
}

fn run(mut command: Command, input: &str) -> Result<(), StartError> {
    let program = Path::new(command.get_program()).to_owned();
    let output = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            if let Some(mut stdin) = child.stdin.take() {
                stdin.write_all(input.as_bytes())?;
            }
            child.wait_with_output()
        })
        .map_err(cannot("run", &program))?;
    if output.status.success() {
        return Ok(());
    }
    let program = program.display();
    let reason = last_lines(&output.stderr);
    Err(StartError(format!("{program} failed: {reason}")))
}

/// Gives a file to the account, which only root has to do, and only root may.
fn own(account: &User, path: &Path) -> io::Result<()> {
    if Uid::effective().is_root() {
        lchown(path, Some(account.uid.as_raw()), Some(account.gid.as_raw()))?;
    }
    Ok(())
}

/// Writes a file for its owner's eyes, as a whole or not at all.
fn replace(path: &Path, text: &str, owner: Option<&User>) -> Result<(), StartError> {
    let write = || {
        let folder = path.parent().unwrap_or(Path::new("/"));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        owner.map_or(Ok(()), |account| own(account, file.path()))?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(cannot("write", path))
}

fn open_lock(path: &Path) -> Result<File, StartError> {
    File::options().create(true).append(true).open(path).map_err(cannot("open", path))
}

fn cannot(verb: &str, path: &Path) -> impl Fn(io::Error) -> StartError {
    move |error| StartError(format!("cannot {verb} {}: {error}", path.display()))
}

fn last_lines(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut lines: Vec<&str> = text.lines().rev().take(5).collect();
    lines.reverse();
    lines.join(" | ")
}

fn short_hash(path: &Path) -> String {
    let hash = Sha256::digest(path.as_os_str().as_bytes());
    hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

fn percent_encoded(bytes: &[u8]) -> String {
    let encode = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(*byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    bytes.iter().map(encode).collect()
}
