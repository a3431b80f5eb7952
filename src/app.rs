//! The only file that knows every room: assembles the routes and the OpenAPI document together.

use std::sync::Arc;

use actix_cors::Cors;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderName;
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{Data, get};
use actix_web::{App, HttpResponse};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::Value;
use tracing_actix_web::TracingLogger;
use utoipa::OpenApi;
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::attachments::{self, Links, Store};
use crate::config::Config;
use crate::db::Db;
use crate::http::deprecation::DEPRECATED;
use crate::http::jwt::Jwt;
use crate::http::routes::{self, Routes};
use crate::http::{docs, middleware, page, problem, query};
use crate::{
    access, batch, changes, channels, contacts, conversations, inbound, moments, notes, profile_fields, profiles,
    search, sidebar, timeline,
};

/// What handlers share.
#[derive(Clone)]
pub struct State {
    pub config: Arc<Config>,
    pub db: Db,
    pub jwt: Jwt,
    pub store: Store,
    pub links: Links,
    pub metrics: Option<PrometheusHandle>,
}

impl State {
    /// Opens the storage, or says in one line why not.
    pub fn new(config: Config, db: Db, metrics: Option<PrometheusHandle>) -> Result<Self, String> {
        let secret = config.jwt_secret.reveal().as_bytes();
        let (jwt, links) = (Jwt::new(secret), Links::new(secret));
        let store = Store::open(&config.storage_url)?;
        Ok(Self { config: Arc::new(config), db, jwt, store, links, metrics })
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Dossier",
        description = "The backend that a shared inbox stands on: contacts, profiles and their whole history.\n\n\
            Press **Authorize** and paste a token: the service prints one on its first start, and `POST /v1/auth/login` \
            answers with one.\n\nA query parameter that an operation doesn't have is refused with 422, and so is `If-Match` by \
            a write that doesn't have it, and `If-None-Match` and `If-Unmodified-Since` by every write: nothing that was asked for is passed over.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
        contact(name = "Dossier"),
    ),
    servers((url = "/", description = "This service")),
    tags(
        (name = "access", description = "Logging in, users, the organization, API tokens"),
        (name = "channels", description = "Where messages come in"),
        (name = "contacts", description = "One address on one medium"),
        (name = "profile fields", description = "What an organization keeps of its customers"),
        (name = "profiles", description = "Customers: their fields, their contacts, their history"),
        (name = "attachments", description = "Files: uploaded, or exchanged with a message"),
        (name = "notes", description = "What colleagues write for each other"),
        (name = "conversations", description = "What was written back and forth, and by whom"),
        (name = "contact moments", description = "The history of a contact or a profile, across channels"),
        (name = "timeline", description = "What happened to a contact or a profile, one by one"),
        (name = "search", description = "Everything, by its words"),
        (name = "inbound", description = "What comes in through a channel"),
        (name = "sidebar", description = "What stands beside an open conversation"),
        (name = "batch", description = "Many writes in one request"),
        (name = "changes", description = "What happens, for scripts and frontends to follow"),
    ),
    components(schemas(
        problem::Problem,
        problem::ErrorCode,
        problem::ProblemHolder,
        problem::ProblemOrganization,
        problem::FieldProblem,
        problem::FieldLocation,
        // What only parameters are made of isn't found by itself.
        query::When,
        page::CountMode,
        attachments::Variant,
        contacts::ContactSort,
        profile_fields::ViolatedRule,
        conversations::Assigned,
        search::SearchSort,
        sidebar::Include,
    )),
)]
struct Base;

/// Every room, from the ground floor up.
fn rooms(config: &mut ServiceConfig) {
    config
        .configure(access::routes)
        .configure(channels::routes)
        .configure(contacts::routes)
        .configure(profile_fields::routes)
        .configure(profiles::routes)
        .configure(attachments::routes)
        .configure(notes::routes)
        .configure(conversations::routes)
        .configure(moments::routes)
        .configure(timeline::routes)
        .configure(search::routes)
        .configure(inbound::routes)
        .configure(sidebar::routes)
        .configure(changes::routes)
        .configure(batch::routes);
}

/// The OpenAPI document as it is served.
pub fn document() -> serde_json::Result<Value> {
    let mut base = Base::openapi();
    let components = base.components.get_or_insert_default();
    let (name, scheme) = docs::bearer();
    components.security_schemes.insert(name.to_owned(), scheme.into());
    let (_, document) = App::new().into_utoipa_app().openapi(base).configure(rooms).split_for_parts();
    docs::complete(document, DEPRECATED)
}

/// What isn't in the document, and is only read.
const BESIDE: [&str; 5] = ["/openapi.json", "/healthz", "/readyz", "/metrics", "/docs/{_:.*}"];

/// What every worker's app is built from.
#[derive(Clone)]
pub struct Shared {
    state: State,
    document: Data<String>,
    routes: Data<Routes>,
}

impl Shared {
    pub fn new(state: State) -> serde_json::Result<Self> {
        let document = document()?;
        let routes = Data::new(Routes::of(&document, &BESIDE));
        Ok(Self { state, routes, document: Data::new(document.to_string()) })
    }
}

/// The whole service, as one worker runs it.
pub fn app(
    shared: Shared,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl actix_web::body::MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let Shared { state, document, routes: known } = shared;
    let (app, _) = App::new()
        .into_utoipa_app()
        .app_data(Data::new(state.db.clone()))
        .app_data(Data::new(state.jwt.clone()))
        .app_data(Data::new(state.store.clone()))
        .app_data(Data::new(state.links.clone()))
        .app_data(Data::from(state.config.clone()))
        .app_data(Data::new(state.metrics.clone()))
        .app_data(document)
        .app_data(known.clone())
        .map(|app| app.configure(|config| known.guard_literals(config)))
        .configure(rooms)
        .split_for_parts();
    app.route("/openapi.json", get().to(openapi))
        .route("/healthz", get().to(healthz))
        .route("/readyz", get().to(readyz))
        .route("/metrics", get().to(metrics))
        .service(actix_web::web::redirect("/docs", "/docs/"))
        .service(docs::swagger_ui())
        .default_service(actix_web::web::to(routes::no_handler))
        .wrap(from_fn(routes::only_what_is_taken))
        .wrap(cors(&state.config.cors_origins))
        .wrap(from_fn(middleware::finish))
        .wrap(Compress::default())
        .wrap(from_fn(middleware::any_encoding))
        .wrap(from_fn(middleware::head_as_get))
        .wrap(TracingLogger::default())
}

fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allow_any_method()
        .allow_any_header()
        .expose_headers(
            [
                "ETag",
                "Link",
                "Location",
                "X-Request-Id",
                "Retry-After",
                "Accept-Ranges",
                "Content-Disposition",
                "Content-Range",
                "Idempotency-Replayed",
                "Deprecation",
                "Sunset",
            ]
            .map(|name| HeaderName::try_from(name).ok())
            .into_iter()
            .flatten(),
        )
        .max_age(3600)
        .block_on_origin_mismatch(false);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}

async fn openapi(document: Data<String>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(document.as_str().to_owned())
}

async fn healthz() -> &'static str {
    "ok"
}

async fn readyz(db: Data<Db>) -> crate::error::Result<&'static str> {
    db.ping().await.map(|()| "ok")
}

async fn metrics(handle: Data<Option<PrometheusHandle>>) -> HttpResponse {
    let text = handle.as_ref().as_ref().map(PrometheusHandle::render).unwrap_or_default();
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(text)
}
