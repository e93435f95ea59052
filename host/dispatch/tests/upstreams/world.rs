//! Servers that are told what to do, and a dispatcher that knows them.

mod server;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use http::{Request, Response};
use switchyard_core::{
    breaker::Config,
    retry,
    upstream::{Registration, Source, TlsRegistration},
};
use switchyard_dispatch::{
    Body, BreakerPolicy, BreakerSettings, CallContext, CallError, CallPolicy, CallSettings, Dispatcher, Instance,
    Service, Snapshot,
};
use tokio::time::Instant;

pub(crate) use self::server::{Answer, Raw, Server, chunks, text};

/// The service that all tests call.
pub(crate) const NAME: &str = "users";

/// Longer than anything takes that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A dispatcher, and the one service that it knows.
pub(crate) struct World {
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) service: Arc<Service>,
}

/// An upstream at an address such as `http://127.0.0.1:80`.
pub(crate) fn upstream(address: &str) -> Registration {
    Registration::of(NAME.parse().unwrap(), address)
}

/// One of https whose certificate is by this authority.
pub(crate) fn secured(address: &str, ca: &std::path::Path) -> Registration {
    let tls = TlsRegistration { ca: Some(ca.to_owned()), server_name: None };
    Registration { tls: Some(tls), ..upstream(address) }
}

pub(crate) fn instance(registration: Registration) -> Arc<Instance> {
    Instance::of_upstream(Arc::new(registration.check(Source::Api).unwrap())).unwrap()
}

pub(crate) fn context(within: Duration) -> CallContext {
    CallContext {
        request_id: "r1".into(),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        ancestors: Arc::from([]),
        deadline: Instant::now() + within,
        body_max: 1 << 20,
        show_backtrace: false,
        cause: None,
        handled: None,
    }
}

/// What a request can be made with.
pub(crate) trait IntoBody {
    fn body(self) -> Body;
}

impl IntoBody for Body {
    fn body(self) -> Body {
        self
    }
}

impl IntoBody for &'static str {
    fn body(self) -> Body {
        Body::full(self)
    }
}

pub(crate) fn request(method: &str, path: &str, body: impl IntoBody) -> Request<Body> {
    Request::builder().method(method).uri(path).header("host", "shop.example").body(body.body()).unwrap()
}

pub(crate) fn get(path: &str) -> Request<Body> {
    request("GET", path, Body::empty())
}

/// The whole body as text.
pub(crate) async fn read(response: Response<Body>) -> String {
    let bytes = response.into_body().collect(64 << 20).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

// === impl World ===

impl World {
    /// One whose calls are not repeated, and whose breakers stay closed, so that each call is one request.
    pub(crate) fn new(registrations: Vec<Registration>) -> Self {
        let world = Self::of(Service::of_upstreams(registrations.into_iter().map(instance).collect()).unwrap());
        world.set(CallSettings { retry: retry::Policy { attempts: 1, ..quick() }, ..CallSettings::default() });
        world
    }

    pub(crate) fn of(service: Service) -> Self {
        let (dispatcher, service) = (Dispatcher::new(), Arc::new(service));
        let services = BTreeMap::from([(service.name().clone(), Arc::clone(&service))]);
        dispatcher.publish(Snapshot { services, ..Snapshot::default() });
        Self { dispatcher, service }
    }

    pub(crate) fn set(&self, default: CallSettings) {
        self.dispatcher.set_call_policy(CallPolicy { default, services: BTreeMap::new() });
    }

    /// Has breakers open after one failure, for a minute.
    pub(crate) fn with_touchy_breakers(self) -> Self {
        self.with_breakers(Config { consecutive_failures: 1, open: Duration::from_secs(60), ..Config::default() })
    }

    /// Has breakers stay closed, so that something else says no.
    pub(crate) fn with_patient_breakers(self) -> Self {
        self.with_breakers(Config { consecutive_failures: u32::MAX, calls_min: u32::MAX, ..Config::default() })
    }

    fn with_breakers(self, config: Config) -> Self {
        let default = BreakerSettings { config, ..BreakerSettings::default() };
        self.dispatcher.set_breaker_policy(BreakerPolicy { default, services: BTreeMap::new() });
        self
    }

    pub(crate) async fn call(&self, request: Request<Body>) -> Result<Response<Body>, CallError> {
        self.call_within(PATIENCE, request).await
    }

    pub(crate) async fn call_within(
        &self,
        within: Duration,
        request: Request<Body>,
    ) -> Result<Response<Body>, CallError> {
        self.dispatcher.call(&self.service, context(within), request).await
    }

    /// The text that a GET is answered with.
    pub(crate) async fn text(&self) -> String {
        read(self.call(get("/")).await.unwrap()).await
    }

    /// What the breaker of the first instance counted: requests, failures, time-outs.
    pub(crate) fn counted(&self) -> (u64, u64, u64) {
        let metrics = self.dispatcher.breakers()[0].metrics;
        (metrics.requests, metrics.failures, metrics.timeouts)
    }
}

/// Pauses that nobody has to wait for.
pub(crate) fn quick() -> retry::Policy {
    let pause = Duration::from_millis(1);
    retry::Policy { base: pause, max: pause, ..retry::Policy::default() }
}
