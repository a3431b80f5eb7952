//! The command line.

use std::process::ExitCode;

use clap::Parser;
use dossier::command::{self, Command};

/// The system's own keeps what each thread once needed: 100 MiB after a few hundred mails.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The backend that a shared inbox stands on.
#[derive(Parser)]
#[command(name = "dossier", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[actix_web::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match command::run(arguments.command.unwrap_or_default()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("dossier: {reason}");
            ExitCode::FAILURE
        }
    }
}
