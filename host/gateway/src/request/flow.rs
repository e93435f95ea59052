//! A request with all that is known of it, on its way through middleware.
//!
//! Only requests that meet a middleware are sent this way. It may change where a request goes, so that the route is
//! looked up anew behind it; and what that route asks for has to hold as if the client had asked for it.

use std::sync::Arc;

use http::Request;
use switchyard_core::problem::Code;
use switchyard_dispatch::{Body, Snapshot};
use tokio::time::Instant;

use super::{
    Exchange, check,
    deliver::deliver,
    identify::{Asked, identify_again},
    limit_on_route, route,
};
use crate::{
    auth::Principal,
    middleware::{self, Answering},
    response::{Answer, Refusal},
};

/// What the steps behind a middleware need; they may outlive the call that led to them.
pub(crate) struct Flow {
    pub(crate) exchange: Arc<Exchange>,
    /// The only one that this request is decided by.
    pub(crate) snapshot: Arc<Snapshot>,
    /// Who was found to call by the route that the client asked for.
    pub(super) principal: Option<Arc<Principal>>,
    /// When the response's head must be there, by the route that the client asked for.
    pub(crate) deadline: Instant,
    /// The largest body in bytes, by that route.
    pub(crate) body_max: u64,
}

// === impl Flow ===

impl Flow {
    /// Sends a request through the gateway's middleware, to its route.
    pub(super) fn pass(self: Arc<Self>, request: Request<Body>) -> Answering {
        let flow = Arc::clone(&self);
        let rest = Arc::new(move |request| -> Answering {
            let flow = Arc::clone(&flow);
            Box::pin(async move { flow.route(request).await })
        });
        middleware::pass(&self, &self.exchange.policy().middleware, rest, request)
    }

    /// Looks up the route of a request, and sends it through that one's middleware.
    async fn route(self: Arc<Self>, request: Request<Body>) -> Result<Answer, Refusal> {
        let (mut parts, body) = request.into_parts();
        // It may be the work of a guest: what is refused from a client is refused from it.
        check::path(&parts.uri).map_err(|_| {
            Refusal::new(Code::MiddlewareFailed, "a middleware handed on a path that no client may ask for")
        })?;
        let lookup = route::find(&self.snapshot, &parts);
        let target = route::found(lookup, &parts.method, parts.uri.path())?.clone();
        let asked = Asked::of(&self.exchange, Some(&target), parts.uri.path());
        let mut principal = self.principal.clone();
        if principal.is_none() {
            principal = identify_again(&self.exchange, asked, &parts.headers, &self.snapshot).await?;
            if let Some(principal) = &principal {
                principal.introduce(&mut parts.headers);
            }
        }
        limit_on_route(&self.exchange, &target, principal.as_deref())?;
        let request = Request::from_parts(parts, body);
        let (rules, exchange) = (Arc::clone(&target.rules), Arc::clone(&self.exchange));
        let target = Arc::new(target);
        let rest = Arc::new(move |request| -> Answering {
            let (exchange, target) = (Arc::clone(&exchange), Arc::clone(&target));
            Box::pin(async move { deliver(&exchange, &target, request).await })
        });
        middleware::pass(&self, &rules.middleware, rest, request).await
    }
}

#[cfg(test)]
impl Flow {
    /// A flow of nobody, where nothing is live.
    pub(crate) fn of_test(exchange: Arc<Exchange>) -> Self {
        let (deadline, body_max) = (exchange.deadline(None), exchange.body_max(None));
        Self { exchange, snapshot: Arc::default(), principal: None, deadline, body_max }
    }
}

#[cfg(test)]
mod tests {
    use switchyard_core::{
        rate_limit::Quota,
        route::{
            Layer, Origin, RouteRule, RouteTable,
            action::{Destination, Redirect, RouteAuth, Rules},
        },
    };
    use switchyard_dispatch::{Dispatcher, RouteTarget};

    use super::*;
    use crate::{
        auth,
        connection::{Activity, Connection},
        handle::Shared,
        options::Options,
        policy::Policy,
    };

    /// A gateway that wants a key everywhere but below `/public`, behind a middleware that is not of interest here.
    struct Gateway {
        shared: Arc<Shared>,
        snapshot: Arc<Snapshot>,
    }

    impl Gateway {
        /// Every one of these routes is a redirect, which needs nobody to answer.
        fn new(routes: &[(&str, RouteAuth, Option<Quota>)]) -> Self {
            let rules = routes.iter().map(|(path, auth, rate_limit)| RouteRule {
                pattern: path.parse().unwrap(),
                host: None,
                methods: vec![],
                headers: vec![],
                target: RouteTarget {
                    to: Destination::Redirect(Redirect { scheme: None, host: None, path: None, status: 302 }),
                    mirror: None,
                    rules: Arc::new(Rules { auth: *auth, rate_limit: *rate_limit, ..Rules::default() }),
                    id: (*path).into(),
                    prefix: "".into(),
                    pattern: (*path).into(),
                    meter: std::sync::OnceLock::new(),
                },
                origin: Origin { layer: Layer::Config, owner: "test".to_owned() },
            });
            let routes = RouteTable::build(rules.collect::<Vec<_>>()).0;
            let key = auth::api_key::Key {
                hash: "sha256:6ab9f1eb8f7d3388f4f9d586f66e99fd54080df2c446f0e58668b09c08a16dd0".to_owned(),
                subject: "alice".to_owned(),
                claims: serde_json::Map::new(),
            };
            let kind = auth::Kind::ApiKey(auth::api_key::Policy::new("x-api-key", vec![key]).unwrap());
            let auth = auth::Policy { kind, public: vec!["/public/*".parse().unwrap()] };
            let options = Options { policy: Policy { auth, ..Policy::default() }, ..Options::default() };
            let snapshot = Arc::new(Snapshot { routes, ..Snapshot::default() });
            Self { shared: Arc::new(Shared::new(options, Dispatcher::new())), snapshot }
        }

        /// What a request is told that asked for something public, and that a middleware sent to `path` so often.
        async fn send(&self, path: &str, key: &str, times: usize) -> u16 {
            let request = || Request::builder().uri(path).header("x-api-key", key).body(Body::empty()).unwrap();
            let activity = Arc::new(Activity::default());
            let connection = Connection::new(Arc::clone(&self.shared), activity, ([127, 0, 0, 1], 1).into());
            let exchange = Arc::new(Exchange::begin(Arc::new(connection), &request()));
            let flow = Flow { snapshot: Arc::clone(&self.snapshot), ..Flow::of_test(Arc::clone(&exchange)) };
            let flow = Arc::new(flow);
            let mut status = 0;
            for _ in 0..times {
                let answer = Arc::clone(&flow).route(request()).await;
                status = answer.unwrap_or_else(|refusal| exchange.refuse(refusal)).status().as_u16();
            }
            status
        }
    }

    #[tokio::test]
    async fn the_route_that_a_middleware_leads_to_asks_as_if_the_client_had_asked_for_it() {
        let gateway = Gateway::new(&[
            ("/public/*", RouteAuth::Inherit, None),
            ("/admin/*", RouteAuth::Inherit, None),
            ("/public/not", RouteAuth::Required, None),
            ("/free/*", RouteAuth::None, None),
        ]);
        for (path, key, status) in [
            ("/public/a", "wrong", 302),
            ("/free/a", "wrong", 302),
            ("/admin/a", "wrong", 401),
            ("/admin/a", "k1", 302),
            ("/public/not", "wrong", 401),
            ("/public/not", "k1", 302),
            ("/nowhere", "k1", 404),
        ] {
            assert_eq!(gateway.send(path, key, 1).await, status, "{path} {key}");
        }
    }

    #[tokio::test]
    async fn a_path_that_no_client_may_ask_for_is_none_for_a_middleware_either() {
        let gateway = Gateway::new(&[("/*", RouteAuth::None, None)]);
        for path in ["/public/../admin", "/public/%2e%2E/admin"] {
            assert_eq!(gateway.send(path, "k1", 1).await, 503);
        }
    }

    #[tokio::test]
    async fn a_request_that_is_sent_to_its_route_again_is_counted_once() {
        let one = Quota { requests: 1, burst: 1, ..Quota::default() };
        let gateway = Gateway::new(&[("/*", RouteAuth::None, Some(one))]);
        assert_eq!(gateway.send("/a", "k1", 3).await, 302);
        assert_eq!(gateway.send("/a", "k1", 1).await, 429);
    }
}
