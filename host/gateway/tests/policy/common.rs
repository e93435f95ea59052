//! A gateway with a policy and routes, and the server behind it.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use switchyard_core::{
    route::{
        Layer, Origin, RouteRule, RouteTable,
        action::{Destination, HeaderMatch, Mirror, Part, Rules, Split},
    },
    upstream::{Registration, Source},
};
use switchyard_dispatch::{Dispatcher, Instance, RouteTarget, Service, Snapshot};
use switchyard_gateway::{Gateway, Handle, Options, Policy};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) use crate::wire::{Client, Response, json};

/// A server that answers with the request as it came, and remembers all of them.
#[derive(Clone)]
pub(crate) struct Backend {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    arrived: Arc<AtomicUsize>,
}

/// A gateway that runs until it is dropped.
pub(crate) struct Edge {
    address: SocketAddr,
    pub(crate) handle: Handle,
    _running: JoinHandle<()>,
    _shutdown: DropGuard,
}

/// A route before it is known where its services are.
pub(crate) struct Route {
    pub(crate) path: &'static str,
    pub(crate) methods: &'static [&'static str],
    pub(crate) headers: &'static [(&'static str, Option<&'static str>)],
    pub(crate) to: Destination<&'static str>,
    pub(crate) mirror: Option<Mirror<&'static str>>,
    pub(crate) rules: Rules,
}

/// A route of a path to the service `web`.
pub(crate) fn route(path: &'static str) -> Route {
    Route { path, methods: &[], headers: &[], to: Destination::Service("web"), mirror: None, rules: Rules::default() }
}

/// A route with rules of its own.
pub(crate) fn ruled(path: &'static str, rules: Rules) -> Route {
    Route { rules, ..route(path) }
}

pub(crate) fn split(parts: &[(&'static str, u32)]) -> Destination<&'static str> {
    let part = |(service, weight): &(&'static str, u32)| Part { service: *service, weight: *weight };
    Destination::Split(Split::new(parts.iter().map(part).collect()).unwrap())
}

/// A request as it is sent, with these further header lines.
pub(crate) fn request(method: &str, path: &str, lines: &[&str]) -> String {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    format!("{method} {path} HTTP/1.1\r\nhost: h.example\r\n{lines}\r\n")
}

pub(crate) fn get(path: &str, lines: &[&str]) -> String {
    request("GET", path, lines)
}

/// The code and the fixed text of a problem.
pub(crate) fn problem(response: &Response) -> (String, String) {
    let problem = json(response);
    let text = |name: &str| problem[name].as_str().unwrap().to_owned();
    (text("code"), text("error"))
}

/// The value of a header of the request that a backend answered with.
pub(crate) fn got(response: &Response, name: &str) -> Option<String> {
    assert_eq!(response.status, 200, "{}", response.body);
    let line = response
        .body
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix(&format!("{name}: ")).map(|_| line));
    line.map(|line| line[name.len() + 2..].to_owned())
}

// === impl Backend ===

impl Backend {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let backend = Self { address: listener.local_addr().unwrap(), seen: Arc::default(), arrived: Arc::default() };
        let server = backend.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(server.clone().serve(stream));
            }
        });
        backend
    }

    async fn serve(self, mut stream: TcpStream) {
        let mut read = Vec::new();
        loop {
            let end = loop {
                if let Some(at) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                    break at + 4;
                }
                if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
                    return;
                }
            };
            let head = String::from_utf8(read.drain(..end).collect()).unwrap();
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let length: usize = length.unwrap_or(0);
            while read.len() < length {
                if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
                    return;
                }
            }
            let body = String::from_utf8(read.drain(..length).collect()).unwrap();
            let whole = format!("{head}{body}");
            self.seen.lock().unwrap().push(whole.clone());
            self.arrived.fetch_add(1, SeqCst);
            if whole.contains("/slow") {
                std::future::pending::<()>().await;
            }
            let own = "access-control-allow-origin: https://evil.example\r\n";
            let answer = format!("HTTP/1.1 200 OK\r\n{own}content-length: {}\r\n\r\n{whole}", whole.len());
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    /// How many requests reached it.
    pub(crate) fn count(&self) -> usize {
        self.arrived.load(SeqCst)
    }

    /// Waits until so many have.
    pub(crate) async fn reached(&self, count: usize) -> Vec<String> {
        let all = async {
            while self.count() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), all).await.unwrap();
        self.seen.lock().unwrap().clone()
    }

    fn service(&self, name: &str) -> Arc<Service> {
        let registration = format!(r#"{{"name":"{name}","address":"{}"}}"#, self.address);
        let upstream = serde_json::from_str::<Registration>(&registration).unwrap().check(Source::Config).unwrap();
        let instance = Instance::of_upstream(Arc::new(upstream)).unwrap();
        Arc::new(Service::of_upstreams(vec![instance]).unwrap())
    }
}

// === impl Edge ===

impl Edge {
    /// A gateway of these routes; every service of theirs is this backend.
    pub(crate) async fn start(policy: Policy, backend: &Backend, routes: Vec<Route>) -> Self {
        let services: Vec<_> = backends(&routes).into_iter().map(|name| (name, backend.clone())).collect();
        Self::of(policy, &services, routes).await
    }

    /// A gateway of these services and routes.
    pub(crate) async fn of(policy: Policy, services: &[(&'static str, Backend)], routes: Vec<Route>) -> Self {
        let services: Vec<_> = services.iter().map(|(name, backend)| (*name, backend.service(name))).collect();
        let known = |name: &&str| services.iter().find(|(own, _)| own == name).map(|(_, service)| Arc::clone(service));
        let rules = routes.into_iter().map(|route| {
            let mut rule = RouteRule {
                pattern: route.path.parse().unwrap(),
                host: None,
                methods: route.methods.iter().map(|method| (*method).to_owned()).collect(),
                headers: HeaderMatch::list(route.headers.iter().copied()).unwrap(),
                target: (),
                origin: Origin { layer: Layer::Config, owner: "test".to_owned() },
            };
            let id = RouteTarget::id_of(&rule);
            let mirror =
                route.mirror.map(|mirror| Mirror { service: known(&mirror.service).unwrap(), percent: mirror.percent });
            let target = RouteTarget {
                to: route.to.try_map(known).unwrap(),
                mirror,
                rules: Arc::new(route.rules),
                id,
                prefix: RouteTarget::prefix_of(&rule.pattern),
                pattern: rule.pattern.to_string().into(),
                meter: std::sync::OnceLock::new(),
            };
            let RouteRule { pattern, host, methods, headers, origin, .. } = std::mem::replace(
                &mut rule,
                RouteRule {
                    pattern: "/".parse().unwrap(),
                    host: None,
                    methods: vec![],
                    headers: vec![],
                    target: (),
                    origin: Origin { layer: Layer::Config, owner: String::new() },
                },
            );
            RouteRule { pattern, host, methods, headers, target, origin }
        });
        let (table, refused) = RouteTable::build(rules);
        assert!(refused.is_empty());
        let dispatcher = Dispatcher::new();
        let services = services.iter().map(|(name, service)| (name.parse().unwrap(), Arc::clone(service))).collect();
        dispatcher.publish(Snapshot { routes: table, services });
        let options = Options { listen: SocketAddr::from(([127, 0, 0, 1], 0)), policy, ..Options::default() };
        let gateway = Gateway::bind(options, dispatcher).await.unwrap();
        let (address, handle, shutdown) = (gateway.local_addr(), gateway.handle(), CancellationToken::new());
        let running = tokio::spawn(gateway.run(shutdown.clone()));
        Self { address, handle, _running: running, _shutdown: shutdown.drop_guard() }
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.address).await.unwrap()
    }

    /// Sends a request on a connection of its own.
    pub(crate) async fn send(&self, request: &str) -> Response {
        self.client().await.send(request).await
    }
}

fn backends(routes: &[Route]) -> Vec<&'static str> {
    let mut names: Vec<_> = routes
        .iter()
        .flat_map(|route| route.to.services().copied().chain(route.mirror.as_ref().map(|mirror| mirror.service)))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}
