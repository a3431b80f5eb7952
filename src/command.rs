//! What the command line can ask for. Each command works beside a running service, on the private PostgreSQL too.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use actix_web::HttpServer;
use clap::Subcommand;
use validator::Validate;

use crate::access::{self, CreateApiToken, CreateUser};
use crate::actor::{ActorRef, Role, Scope};
use crate::app::{self, Shared, State};
use crate::attachments::{self, Store};
use crate::config::Config;
use crate::db::embedded::EmbeddedPostgres;
use crate::db::{CONNECTIONS, Db};
use crate::http::jwt::Jwt;
use crate::inbound;
use crate::{contacts, demo, search, telemetry};

/// Blocking threads a worker may have: file and database work queues behind them.
const BLOCKING_THREADS: usize = 32;
const SHUTDOWN_SECONDS: u64 = 20;

#[derive(Subcommand, Default)]
pub enum Command {
    /// Run the service
    #[default]
    Serve,
    /// Apply the migrations that are missing
    Migrate,
    /// Print the OpenAPI document
    Openapi,
    /// Create an organization with its first administrator
    CreateOrganization {
        #[arg(long)]
        name: String,
        #[arg(long)]
        admin_email: String,
        #[arg(long)]
        admin_password: String,
    },
    /// Make an API token for a user and print its JWT
    Token {
        #[arg(long)]
        email: String,
        /// What it may do: "read" or "read write"
        #[arg(long, default_value = "read write")]
        scope: String,
        /// After how many days it expires
        #[arg(long, default_value_t = 90)]
        days: i64,
    },
    /// Read mails into an e-mail channel: raw mails, folders of them, maildirs, mbox files; safe to run again
    Import {
        /// The channel's name
        #[arg(long)]
        channel: String,
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
}

/// Carries a command out, or says in one line why not.
pub async fn run(command: Command) -> Result<(), String> {
    if let Command::Openapi = command {
        return print_document();
    }
    telemetry::log();
    let config = Config::from_env()?;
    let (postgres, db) = database(&config).await?;
    let result = match command {
        Command::Serve => serve(config, db).await,
        other => on_database(other, &config, &db).await,
    };
    if let Some(postgres) = postgres {
        tokio::task::spawn_blocking(|| postgres.stop()).await.map_err(|error| error.to_string())?;
    }
    result
}

/// The configured server, or the private one; with the migrations applied.
async fn database(config: &Config) -> Result<(Option<EmbeddedPostgres>, Db), String> {
    let config = config.clone();
    let connect = move || {
        let (postgres, url) = match &config.database_url {
            Some(url) => (None, url.reveal().to_owned()),
            None => {
                let postgres = EmbeddedPostgres::start(&config.data_dir, &[]).map_err(|error| error.to_string())?;
                let url = postgres.url().to_owned();
                (Some(postgres), url)
            }
        };
        let db = Db::connect(&url, CONNECTIONS)?;
        let applied = db.migrate().map_err(|error| format!("the migrations can't be applied: {error}"))?;
        if !applied.is_empty() {
            tracing::info!(count = applied.len(), "migrations applied");
        }
        Ok((postgres, db))
    };
    tokio::task::spawn_blocking(connect).await.map_err(|error| error.to_string())?
}

async fn on_database(command: Command, config: &Config, db: &Db) -> Result<(), String> {
    match command {
        Command::CreateOrganization { name, admin_email, admin_password } => {
            let admin = CreateUser {
                name: admin_email.clone(),
                email: admin_email,
                role: Role::Admin,
                password: admin_password,
            };
            admin.validate().map_err(|error| error.to_string())?;
            let (organization, user) =
                access::create_organization(db, name, admin).await.map_err(|error| error.to_string())?;
            print(&format!("organization {organization}\nadministrator {user}"))
        }
        Command::Token { email, scope, days } => {
            let body = CreateApiToken { name: "dossier token".to_owned(), scope, days };
            body.validate().map_err(|error| error.to_string())?;
            let jwt = Jwt::new(config.jwt_secret.reveal().as_bytes());
            print(&token(&jwt, db, email, body).await?)
        }
        Command::Import { channel, paths } => {
            let store = Store::open(&config.storage_url)?;
            inbound::import(db.clone(), store, channel, paths, config.max_message_bytes).await
        }
        Command::Serve | Command::Migrate | Command::Openapi => Ok(()),
    }
}

async fn token(jwt: &Jwt, db: &Db, email: String, body: CreateApiToken) -> Result<String, String> {
    let address = email.clone();
    let found = db.transact(move |conn| access::user_by_email(conn, &address)).await;
    let (organization, user, role) = found
        .map_err(|error| error.to_string())?
        .ok_or_else(|| format!("no active user has the e-mail address {email}"))?;
    let jwt = jwt.clone();
    let made = db
        .act(organization, ActorRef::user(user), move |tx| access::create_api_token(tx, &jwt, user, role, &body))
        .await
        .map_err(|error| error.to_string())?;
    made.token.ok_or_else(|| "no token was made".to_owned())
}

async fn serve(config: Config, db: Db) -> Result<(), String> {
    let bind = config.bind;
    let (is_private, with_sample) = (config.database_url.is_none(), config.demo);
    let state = State::new(config, db, Some(telemetry::metrics()?))?;
    let State { db, store, jwt, .. } = state.clone();
    let shared = Shared::new(state).map_err(|error| format!("the OpenAPI document can't be made: {error}"))?;
    std::thread::spawn(contacts::prepare);
    let server = HttpServer::new(move || app::app(shared.clone()))
        .worker_max_blocking_threads(BLOCKING_THREADS)
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .keep_alive(Duration::from_secs(75))
        .bind(bind)
        .map_err(|error| format!("{bind} can't be listened on: {error}. DOSSIER_BIND names another address."))?;
    print(&format!("Swagger UI  http://{bind}/docs/"))?;
    let indexed = db.clone();
    tokio::spawn(async move {
        match search::reindex(&indexed).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "indexed anew"),
            Err(error) => tracing::error!(%error, "what an earlier edition indexed isn't found until the next start"),
        }
    });
    if is_private
        && let Some(login) = demo::create(&db, &store, with_sample).await.map_err(|error| error.to_string())?
    {
        let body = CreateApiToken { name: "First start".to_owned(), scope: Scope::ALL.as_str().to_owned(), days: 90 };
        let token = token(&jwt, &db, login.email.to_owned(), body).await?;
        print(&format!("e-mail      {}\npassword    {}\ntoken       {token}", login.email, login.password))?;
    }
    let background = [
        tokio::spawn(attachments::make_thumbnails(db.clone(), store.clone())),
        tokio::spawn(attachments::sweep(db, store)),
    ];
    let result = server.run().await.map_err(|error| error.to_string());
    background.iter().for_each(tokio::task::JoinHandle::abort);
    result
}

fn print_document() -> Result<(), String> {
    let document = app::document().map_err(|error| error.to_string())?;
    print(&serde_json::to_string_pretty(&document).map_err(|error| error.to_string())?)
}

fn print(text: &str) -> Result<(), String> {
    writeln!(std::io::stdout(), "{text}").map_err(|error| error.to_string())
}
