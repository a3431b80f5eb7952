//! The README's tour, as it is written, against the real program with its sample: every command, and its output.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Between the outputs of two blocks.
const MARK: &str = "==== next block ====";

/// The program, over a private PostgreSQL of its own in a folder that nobody else has.
struct Service {
    process: Child,
    base: String,
    password: String,
    _data: tempfile::TempDir,
}

impl Service {
    fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut process = Command::new(env!("CARGO_BIN_EXE_dossier"))
            .env_remove("DATABASE_URL")
            .env_remove("DOSSIER_JWT_SECRET")
            .env_remove("DOSSIER_DEMO")
            .env("DOSSIER_DATA_DIR", data.path().join("data"))
            .env("DOSSIER_BIND", format!("127.0.0.1:{port}"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let printed = BufReader::new(process.stdout.take().unwrap());
        let mut password = None;
        for line in printed.lines() {
            let line = line.unwrap();
            if let Some(found) = line.strip_prefix("password") {
                password = Some(found.trim().to_owned());
            }
            if line.starts_with("token") {
                break;
            }
        }
        let password = password.expect("the first start prints a password");
        Self { process, base: format!("http://127.0.0.1:{port}"), password, _data: data }
    }

    /// As Ctrl-C does; the private PostgreSQL ends with it.
    fn stop(&mut self) {
        let pid = self.process.id().to_string();
        Command::new("kill").args(["-INT", &pid]).status().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The tour's commands, each with the output that the README shows.
fn tour() -> Vec<(String, String)> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, after) = readme.split_once("\n## A tour\n").unwrap();
    let (tour, _) = after.split_once("\n## ").unwrap();
    let mut steps: Vec<(String, String)> = Vec::new();
    for block in tour.split("```").skip(1).step_by(2) {
        let (language, text) = block.split_once('\n').unwrap();
        match language {
            "sh" => steps.push((text.to_owned(), String::new())),
            "text" => steps.last_mut().unwrap().1 = text.to_owned(),
            other => panic!("a block of {other} in the tour"),
        }
    }
    steps
}

#[test]
fn the_tour_is_as_the_readme_says() {
    let service = Service::start();
    let steps = tour();
    assert!(steps.len() > 8, "the tour has {} steps", steps.len());
    let mut script = String::from("set -e\n");
    for (commands, _) in &steps {
        let commands = commands
            .replace("http://127.0.0.1:8080", &service.base)
            .replace("the one that the first start printed", &service.password);
        script.push_str(&format!("{commands}\necho '{MARK}'\n"));
    }
    let run = Command::new("bash").args(["-c", &script]).output().unwrap();
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "the tour ends early: {errors}");
    let output = String::from_utf8(run.stdout).unwrap();
    for ((commands, shown), printed) in steps.iter().zip(output.split(&format!("{MARK}\n"))) {
        assert_eq!(printed.trim(), shown.trim(), "after\n{commands}");
    }
}
