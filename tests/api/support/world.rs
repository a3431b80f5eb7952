//! An organization with its people, in a service of its own.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::JoinHandle;

use actix_web::HttpServer;
use actix_web::dev::ServerHandle;
use dossier::access::{self, CreateUser};
use dossier::actor::Role;
use dossier::app::{self, Shared, State};
use dossier::config::{Config, Secret};
use serde_json::json;
use tempfile::TempDir;

use super::client::Client;
use super::database::Database;

/// Everyone's.
pub const PASSWORD: &str = "correct horse battery staple";
/// Signs the tokens.
pub const SECRET: &str = "a secret of tests, which is long enough";
/// The one frontend that browsers may call from.
pub const ORIGIN: &str = "https://inbox.example";

/// A running service with the organization "Dossier Test".
pub struct World {
    server: Server,
    pub database: Database,
    /// Where files are kept.
    pub folder: TempDir,
    admin: Client,
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With another configuration.
    pub async fn with(configure: impl FnOnce(&mut Config)) -> Self {
        let database = Database::create();
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            database_url: None,
            data_dir: folder.path().to_owned(),
            jwt_secret: Secret::new(SECRET),
            storage_url: format!("file://{}/attachments", folder.path().display()),
            cors_origins: vec![ORIGIN.to_owned()],
            demo: false,
            max_message_bytes: 25 << 20,
            max_upload_bytes: 100 << 20,
        };
        configure(&mut config);
        let server = Server::start(State::new(config, database.connect(), None).unwrap());
        let admin = server.organization("Dossier Test", "admin@dossier.example").await;
        Self { server, database, folder, admin }
    }

    /// The administrator of "Dossier Test".
    pub fn admin(&self) -> Client {
        self.admin.clone()
    }

    /// A new agent of "Dossier Test", with an e-mail address such as `grace@dossier.example`.
    pub async fn agent(&self, name: &str) -> Client {
        let email = format!("{}@dossier.example", name.to_lowercase().replace(' ', "."));
        let body = json!({ "email": email, "name": name, "role": "agent", "password": PASSWORD });
        self.admin.post("/v1/users", body).await.expect(201);
        self.anonymous().login(&email).await
    }

    /// The administrator of another organization.
    pub async fn stranger(&self) -> Client {
        self.organization("Strangers", "admin@strangers.example").await
    }

    /// A new organization's administrator.
    pub async fn organization(&self, name: &str, email: &str) -> Client {
        self.server.organization(name, email).await
    }

    /// Someone without a token.
    pub fn anonymous(&self) -> Client {
        self.server.client()
    }
}

/// The service as in production, with one worker. It stops when it is dropped.
struct Server {
    address: SocketAddr,
    state: State,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(state: State) -> Self {
        let (started, when_started) = mpsc::channel();
        let shared = Shared::new(state.clone()).unwrap();
        let bind = state.config.bind;
        let run = move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || app::app(shared.clone()))
                    .workers(1)
                    .worker_max_blocking_threads(16)
                    // As in production: on a busy machine a test may leave its connection alone for seconds.
                    .keep_alive(std::time::Duration::from_secs(75))
                    .disable_signals()
                    .bind(bind)
                    .unwrap();
                let address = server.addrs()[0];
                let server = server.run();
                started.send((address, server.handle())).unwrap();
                server.await.unwrap();
            })
        };
        let thread = std::thread::spawn(run);
        let (address, handle) = when_started.recv().unwrap();
        Self { address, state, handle, thread: Some(thread) }
    }

    fn client(&self) -> Client {
        Client::new(format!("http://{}", self.address))
    }

    async fn organization(&self, name: &str, email: &str) -> Client {
        let admin = CreateUser {
            email: email.to_owned(),
            name: "Ada".to_owned(),
            role: Role::Admin,
            password: PASSWORD.to_owned(),
        };
        access::create_organization(&self.state.db, name.to_owned(), admin).await.unwrap();
        self.client().login(email).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
