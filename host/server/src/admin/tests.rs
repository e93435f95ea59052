//! What the admin API answers, asked without a socket; the store and delivery behind it are real.

mod audit;
mod basics;
mod breakers;
mod dead_letters;
mod events;
mod kv;
mod logs;
mod openapi;
mod overview;
mod queues;
mod routes;
mod sagas;
mod services;
mod subscriptions;
mod traffic;
mod watch;

use http::{HeaderMap, Method};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use switchyard_core::event::binding;
use switchyard_store::{Backend, Embedded, Options};
use tempfile::TempDir;

use super::*;

/// A host without plugins, as far as the admin API sees one.
pub(crate) struct Api {
    pub(crate) sources: Sources,
    stop: CancellationToken,
    folder: TempDir,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

// === impl Api ===

impl Api {
    pub(crate) fn new() -> Self {
        Self::with(switchyard_delivery::Config::default())
    }

    pub(crate) fn with(config: switchyard_delivery::Config) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store: Arc<dyn Backend> = Arc::new(Embedded::open(Options::new(folder.path())).expect("a store"));
        let (dispatcher, stop) = (Dispatcher::new(), CancellationToken::new());
        let registrations = Arc::new(Registrations::empty(Arc::clone(&store)));
        let routes = Arc::new(Routes::empty(Arc::clone(&store)));
        let traffic = Arc::new(Traffics::empty(Arc::clone(&store)));
        let delivery = Delivery::new(Arc::clone(&store), Arc::clone(&dispatcher), config);
        tokio::spawn(Arc::clone(&delivery).run(stop.clone(), Duration::ZERO));
        let sources = Sources {
            dispatcher,
            delivery,
            plugins: reload::Handle::empty(),
            checks: tokio::sync::watch::channel(Checks::default()).1,
            probed: Probed::new(),
            config: tokio::sync::watch::channel(Arc::new(Config::default())).1,
            registrations,
            routes,
            traffic,
            feed: Arc::new(Feed::new()),
            logs: Arc::new(Logs::new()),
            console: Arc::default(),
            counted: Arc::default(),
            gateway: None,
            store: Arc::clone(&store),
            about: Arc::new(About::starting(([127, 0, 0, 1], 3000).into(), false, folder.path().to_owned())),
            rates: Arc::default(),
            guard: Arc::new(Guard::open(&crate::config::Admin::default()).expect("it needs no file")),
            stopping: CancellationToken::new(),
        };
        Self { sources, stop, folder }
    }

    pub(crate) async fn get(&self, path: &str) -> Answered {
        self.ask(Method::GET, path, "", "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answered {
        self.ask(Method::POST, path, "application/json", body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answered {
        self.ask(Method::DELETE, path, "", "").await
    }

    /// Publishes in structured mode.
    pub(crate) async fn publish(&self, event: &str) -> Answered {
        self.ask(Method::POST, "/api/v1/events", binding::STRUCTURED, event).await
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, kind: &str, body: &str) -> Answered {
        self.ask_with(Request::builder().method(method).uri(path).header("content-type", kind), body).await
    }

    pub(crate) async fn ask_with(&self, request: http::request::Builder, body: &str) -> Answered {
        let body = Full::new(bytes::Bytes::copy_from_slice(body.as_bytes()));
        let request = request.header("host", "localhost").body(body).expect("a request");
        let (parts, body) = answer(request, &self.sources).await.into_parts();
        let body = body.collect().await.expect("a body is in memory").to_bytes().to_vec();
        Answered { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

// === impl Answered ===

impl Answered {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The JSON of an answer that has this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// A problem with this status and code, whose detail says this.
    #[track_caller]
    pub(crate) fn expect_problem(&self, status: u16, code: &str, detail: &str) {
        let problem = self.expect(status);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(problem["code"], code, "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|text| text.contains(detail)), "{problem}");
    }
}
