//! What the server finds on the machine: accounts, programs, folders, commands.

use std::{
    env,
    fs::{self, DirBuilder, File, Permissions},
    io::{self, ErrorKind, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, PermissionsExt, lchown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::unistd::{Uid, User};
use rand::distr::{Alphanumeric, SampleString};
use sha2::{Digest, Sha256};

use super::{SOCKET, StartError};

const OLDEST_VERSION: u32 = 14;
/// For clusters of an account that can't enter the data directory.
const ELSEWHERE: &str = "/var/lib/dossier";
/// What a socket's address holds, without the final NUL.
const SOCKET_BYTES: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// Folders that hold a folder for each version, and what stands before the number.
const VERSIONED: [(&str, &str); 4] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql@"),
    ("/usr/local/opt", "postgresql@"),
];

/// Who runs the server's programs: oneself, or someone else in place of root, whom PostgreSQL
/// refuses.
pub(super) fn choose_account(data_dir: &Path, link: &Path) -> Result<User, StartError> {
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
pub(super) fn find_programs(account: &User, link: &Path) -> Result<PathBuf, StartError> {
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
pub(super) fn choose_cluster(
    account: &User,
    programs: &Path,
    data_dir: &Path,
    link: &Path,
) -> Result<PathBuf, StartError> {
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
pub(super) fn choose_sockets(account: &User, cluster: &Path) -> Result<PathBuf, StartError> {
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

pub(super) fn read_password(file: &Path, cluster: &Path) -> Result<String, StartError> {
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
pub(super) fn command(account: &User, programs: &Path, program: &str, folder: &Path) -> Command {
    let mut command = Command::new(programs.join(program));
    command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default()).env("LC_ALL", "C").current_dir(folder);
    if Uid::effective().is_root() {
        command.uid(account.uid.as_raw()).gid(account.gid.as_raw());
    }
    command
}

pub(super) fn run(mut command: Command, input: &str) -> Result<(), StartError> {
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
pub(super) fn own(account: &User, path: &Path) -> io::Result<()> {
    if Uid::effective().is_root() {
        lchown(path, Some(account.uid.as_raw()), Some(account.gid.as_raw()))?;
    }
    Ok(())
}

/// Writes a file for its owner's eyes, as a whole or not at all.
pub(super) fn replace(path: &Path, text: &str, owner: Option<&User>) -> Result<(), StartError> {
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

pub(super) fn open_lock(path: &Path) -> Result<File, StartError> {
    File::options().create(true).append(true).open(path).map_err(cannot("open", path))
}

pub(super) fn cannot(verb: &str, path: &Path) -> impl Fn(io::Error) -> StartError {
    move |error| StartError(format!("cannot {verb} {}: {error}", path.display()))
}

pub(super) fn last_lines(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut lines: Vec<&str> = text.lines().rev().take(5).collect();
    lines.reverse();
    lines.join(" | ")
}

fn short_hash(path: &Path) -> String {
    let hash = Sha256::digest(path.as_os_str().as_bytes());
    hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn percent_encoded(bytes: &[u8]) -> String {
    let encode = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(*byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    bytes.iter().map(encode).collect()
}
