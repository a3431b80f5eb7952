//! The service, as it is released, and a client of it.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dossier::access::{self, CreateApiToken};
use dossier::actor::ActorRef;
use dossier::db::Db;
use dossier::http::jwt::Jwt;
use reqwest::{Client, RequestBuilder};
use serde_json::Value;

use crate::data::{Data, folder};

const SECRET: &str = "a secret of the benchmark, of no use elsewhere";
/// Makes PostgreSQL log how each statement was carried out.
const EXPLAINED: &str = "session_preload_libraries=auto_explain auto_explain.log_min_duration=0 \
    auto_explain.log_analyze=on auto_explain.log_buffers=on auto_explain.log_timing=off";

pub struct Service {
    process: Child,
    base: String,
    token: String,
    client: Client,
}

impl Service {
    pub async fn start(data: &Data, is_explained: bool) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = EXPLAINED.split_whitespace().map(|setting| format!("-c%20{}", setting.replace("=", "%3D")));
        let settings: Vec<String> = settings.collect();
        let url =
            if is_explained { format!("{}?options={}", data.url, settings.join("%20")) } else { data.url.clone() };
        let process = Command::new(env!("CARGO_BIN_EXE_dossier"))
            .env("DATABASE_URL", url)
            .env("DOSSIER_BIND", format!("127.0.0.1:{port}"))
            .env("DOSSIER_JWT_SECRET", SECRET)
            .env("DOSSIER_DATA_DIR", folder().join("files"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let service = Self {
            process,
            base: format!("http://127.0.0.1:{port}"),
            token: token(data).await,
            client: Client::builder().pool_max_idle_per_host(1).build().unwrap(),
        };
        let started = Instant::now();
        while service.client.get(format!("{}/readyz", service.base)).send().await.is_err() {
            assert!(started.elapsed() < Duration::from_secs(30), "the service doesn't start");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        service
    }

    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> (Value, Duration) {
        let url = url::Url::parse_with_params(&format!("{}{path}", self.base), query).unwrap();
        self.timed(self.client.get(url)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> (Value, Duration) {
        self.timed(self.client.post(self.base.clone() + path).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> (Value, Duration) {
        self.timed(self.client.patch(self.base.clone() + path).json(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> (Value, Duration) {
        self.timed(self.client.put(self.base.clone() + path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> Duration {
        self.timed(self.client.delete(self.base.clone() + path)).await.1
    }

    /// Until the last byte of the answer is there.
    async fn timed(&self, request: RequestBuilder) -> (Value, Duration) {
        let request = request.bearer_auth(&self.token);
        let asked = Instant::now();
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body = answer.bytes().await.unwrap();
        let took = asked.elapsed();
        assert!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body));
        (serde_json::from_slice(&body).unwrap_or(Value::Null), took)
    }

    pub fn stop(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

async fn token(data: &Data) -> String {
    let db = Db::connect(&data.url, 1).unwrap();
    let admin = data.admin.clone();
    let (organization, user, role) =
        db.transact(move |conn| access::user_by_email(conn, &admin)).await.unwrap().expect("the administrator");
    let jwt = Jwt::new(SECRET.as_bytes());
    let body = CreateApiToken { name: "bench".to_owned(), scope: "read write".to_owned(), days: 1 };
    let make = move |tx: &mut dossier::db::Tx| access::create_api_token(tx, &jwt, user, role, &body);
    db.act(organization, ActorRef::user(user), make).await.unwrap().token.unwrap()
}
