//! Subscriptions of the host: webhooks that this program answers, and guests.

use std::{convert::Infallible, net::SocketAddr, rc::Rc, time::Duration};

use anyhow::{Context, Result};
use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use switchyard_tests::{Host, Setup};
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};

use super::{Counts, Publisher, TOGETHER, TOPIC, stream};
use crate::{
    client::http::{CLOUD_EVENTS, Http},
    events::payload,
    load::contender::{Contender, Outcome},
};

/// How often the host is asked how far its guests are.
const POLL: Duration = Duration::from_millis(20);

/// Endpoints of this program that the host posts to.
pub(super) struct Webhooks {
    host: Host,
    counts: Rc<Counts>,
    accepting: JoinHandle<()>,
}

/// Guests that the host calls.
pub(super) struct Guests {
    host: Host,
    subscribers: usize,
}

/// Batches of CloudEvents to the admin API.
struct Batches {
    http: Http,
    body: String,
}

// === impl Webhooks ===

impl Webhooks {
    pub(super) async fn start(subscribers: usize) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let counts = Counts::new(subscribers);
        let accepting = tokio::task::spawn_local(accept(listener, counts.clone()));
        let subscription = |n: usize| {
            format!("[[subscription]]\ntopic = '{TOPIC}'\nname = 'hook-{n}'\nurl = 'http://{address}/{n}'\n")
        };
        let config: String = (0..subscribers).map(subscription).collect();
        let host = Setup::new().config(&config).start().await;
        for n in 0..subscribers {
            host.subscribed(&format!("hook-{n}")).await;
        }
        Ok(Self { host, counts, accepting })
    }
}

#[async_trait(?Send)]
impl Contender for Webhooks {
    fn name(&self) -> &'static str {
        "Switchyard, webhooks"
    }

    fn pids(&self) -> Vec<u32> {
        vec![self.host.pid()]
    }

    async fn run(&self, span: Duration) -> Result<Outcome> {
        self.counts.reset();
        stream(Batches::connect(self.host.admin).await?, &self.counts, JoinSet::new(), span).await
    }
}

impl Drop for Webhooks {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Counts each post by its path, which is the subscriber's number.
async fn accept(listener: TcpListener, counts: Rc<Counts>) {
    while let Ok((stream, _)) = listener.accept().await {
        let counts = counts.clone();
        // Nagle's algorithm would hold an answer back.
        let _ = stream.set_nodelay(true);
        let service = service_fn(move |request| answer(request, counts.clone()));
        // The host closes what it does not need any more; there is nobody to tell.
        tokio::task::spawn_local(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(request: Request<Incoming>, counts: Rc<Counts>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let subscriber = request.uri().path()[1..].parse().ok();
    let whole = request.into_body().collect().await.is_ok();
    let mut response = Response::new(Empty::new());
    *response.status_mut() = match subscriber.filter(|_| whole) {
        Some(subscriber) => {
            counts.add(subscriber, 1);
            StatusCode::NO_CONTENT
        }
        None => StatusCode::BAD_REQUEST,
    };
    Ok(response)
}

// === impl Guests ===

impl Guests {
    pub(super) async fn start(subscribers: usize) -> Self {
        let names: Vec<String> = (0..subscribers).map(|n| format!("guest-{n}")).collect();
        let setup = names.iter().fold(Setup::new(), |setup, name| {
            let side = format!("guests = 'reused'\nsubscriptions = [{{ topic = '{TOPIC}', name = '{name}' }}]\n");
            setup.side(name, &side).plugin(name, "bench-guest")
        });
        let host = setup.start().await;
        for name in &names {
            host.until(name, "optimised", |plugin| plugin["tier"] == "optimised").await;
            host.subscribed(name).await;
        }
        Self { host, subscribers }
    }
}

#[async_trait(?Send)]
impl Contender for Guests {
    fn name(&self) -> &'static str {
        "Switchyard, guests"
    }

    fn pids(&self) -> Vec<u32> {
        vec![self.host.pid()]
    }

    async fn run(&self, span: Duration) -> Result<Outcome> {
        let counts = Counts::new(self.subscribers);
        let mut asking = Http::connect(self.host.admin).await?;
        let before = processed(&mut asking).await?;
        let mut subscribers = JoinSet::new();
        let counted = counts.clone();
        subscribers.spawn_local(async move {
            loop {
                tokio::time::sleep(POLL).await;
                for (n, (now, before)) in processed(&mut asking).await?.iter().zip(&before).enumerate() {
                    counted.set(n, now - before);
                }
            }
        });
        stream(Batches::connect(self.host.admin).await?, &counts, subscribers, span).await
    }
}

/// How many deliveries of each subscription have succeeded.
async fn processed(http: &mut Http) -> Result<Vec<u64>> {
    let list: Value = serde_json::from_slice(&http.get("/api/v1/subscriptions").await?)?;
    let items = list["items"].as_array().context("a list has items")?;
    items.iter().map(|item| item["processed"].as_u64().context("a subscription counts")).collect()
}

// === impl Batches ===

impl Batches {
    async fn connect(to: SocketAddr) -> Result<Self> {
        let event = format!(r#"{{"specversion":"1.0","type":"{TOPIC}","data":{}}}"#, payload());
        Ok(Self { http: Http::connect(to).await?, body: format!("[{}]", vec![event; TOGETHER].join(",")) })
    }
}

impl Publisher for Batches {
    async fn publish(&mut self) -> Result<()> {
        self.http.post("/api/v1/events", CLOUD_EVENTS, &self.body).await.map(drop)
    }
}
