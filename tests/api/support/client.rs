//! Someone who calls the API.

use std::pin::Pin;

use futures_util::future::join_all;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::answer::Answer;
use super::conformance;
use super::world::PASSWORD;

/// Someone with a token, or without.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    pub refresh_token: String,
    /// Of the user.
    pub id: String,
    pub email: String,
}

impl Client {
    pub fn new(base: String) -> Self {
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { http, base, token: None, refresh_token: String::new(), id: String::new(), email: String::new() }
    }

    /// The same service, as the user with this e-mail address and the password of all tests.
    pub async fn login(&self, email: &str) -> Self {
        let session = self.post("/v1/auth/login", json!({ "email": email, "password": PASSWORD })).await.expect(200);
        let mut client = self.with_token(session.text("/access_token"));
        client.refresh_token = session.text("/refresh_token");
        client.email = email.to_owned();
        client.id = client.get("/v1/me").await.expect(200).id();
        client
    }

    /// The same service with another token.
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// The same service with an API token that this administrator makes, such as one of scope "read".
    pub async fn api_token(&self, scope: &str) -> Self {
        let made = self.post("/v1/api-tokens", json!({ "name": "script", "scope": scope })).await.expect(201);
        self.with_token(made.text("/token"))
    }

    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// Where the service is, such as `http://127.0.0.1:4711`.
    pub fn base(&self) -> &str {
        &self.base
    }

    pub fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    pub fn post(&self, path: &str, body: Value) -> Request {
        self.request(Method::POST, path).json(&body)
    }

    pub fn put(&self, path: &str, body: Value) -> Request {
        self.request(Method::PUT, path).json(&body)
    }

    pub fn patch(&self, path: &str, body: Value) -> Request {
        self.request(Method::PATCH, path).json(&body)
    }

    pub fn delete(&self, path: &str) -> Request {
        self.request(Method::DELETE, path)
    }

    /// A request without a body; add one with [`Request::json`], [`Request::raw`] or [`Request::multipart`].
    pub fn request(&self, method: Method, path: &str) -> Request {
        // What an answer links to is taken as it is.
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let mut request = self.http.request(method, url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        Request(request)
    }

    /// A list from its first page to its last, `limit` entries a page.
    pub async fn walk(&self, path: &str, limit: usize) -> Vec<Value> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{separator}limit={limit}");
        let mut page = self.get(&path).await.expect(200);
        let mut all = Vec::new();
        loop {
            let data = page.data();
            assert!(data.len() <= limit, "{} entries on a page of {limit}", data.len());
            all.extend(data);
            let Some(cursor) = page["next_cursor"].as_str() else { return all };
            assert!(!page.data().is_empty(), "an empty page has a next one");
            page = self.get(&format!("{path}&cursor={cursor}")).await.expect(200);
        }
    }
}

/// A request about to be sent: await it.
#[must_use = "await it"]
pub struct Request(RequestBuilder);

impl Request {
    pub fn header(self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().unwrap();
        let value = HeaderValue::from_str(value).unwrap();
        Self(self.0.header(name, value))
    }

    /// With this Idempotency-Key.
    pub fn key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    pub fn json(self, body: &Value) -> Self {
        Self(self.0.json(body))
    }

    /// Any bytes, under this Content-Type.
    pub fn raw(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self(self.0.header("Content-Type", content_type).body(body.into()))
    }

    /// A form with one part `file`.
    pub fn file(self, filename: &str, content_type: &str, content: impl Into<Vec<u8>>) -> Self {
        let part = reqwest::multipart::Part::bytes(content.into()).file_name(filename.to_owned());
        self.multipart(reqwest::multipart::Form::new().part("file", part.mime_str(content_type).unwrap()))
    }

    pub fn multipart(self, form: reqwest::multipart::Form) -> Self {
        Self(self.0.multipart(form))
    }
}

impl IntoFuture for Request {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (client, request) = self.0.build_split();
            let request = request.unwrap();
            let (method, path) = (request.method().clone(), request.url().path().to_owned());
            let what = format!("{method} {}", request.url());
            let response = client.execute(request).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
            let answer = Answer::read(what, response).await;
            conformance::check(&method, &path, &answer);
            answer
        })
    }
}

/// The answers to requests that are sent all at once.
pub async fn race(requests: impl IntoIterator<Item = Request>) -> Vec<Answer> {
    join_all(requests.into_iter().map(IntoFuture::into_future)).await
}
