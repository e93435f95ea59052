//! The same three steps done by hand: a small native service that calls one participant after the other over HTTP, and
//! writes into a journal what it is about to do and what was done.
//!
//! It is this program itself, as `switchyard-bench by-hand`. It has no retries, time-outs, compensations, history,
//! events or recovery, all of which would cost it something.

mod journal;

use std::{convert::Infallible, net::SocketAddr, path::Path, sync::Arc};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, StatusCode, body::Incoming};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use self::journal::{Journal, Sync};
use super::orders::order;
use crate::{
    client::http::{Http, JSON},
    load::closed_loop::Client,
    own::{self, Own},
};

/// The running service.
pub(super) struct ByHand {
    program: Own,
    _folder: TempDir,
}

/// Asks it for one saga after the other; each is answered when it has completed.
pub(super) struct Ask(Http);

/// What the service is made of.
struct Orchestrator {
    journal: Journal,
    sync: Sync,
    /// The URLs of the steps.
    steps: Vec<String>,
    client: legacy::Client<HttpConnector, Full<Bytes>>,
}

// === impl ByHand ===

impl ByHand {
    /// With an fsync before each step and one after it.
    pub(super) fn with_each(steps: &[String; 3]) -> Result<Self> {
        Self::start(Sync::Each, steps)
    }

    /// With fsyncs that all sagas share, one before the first step and one after each, together with what is next.
    pub(super) fn with_group(steps: &[String; 3]) -> Result<Self> {
        Self::start(Sync::Group, steps)
    }

    fn start(sync: Sync, steps: &[String; 3]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("journal");
        let arguments = ["by-hand", sync.as_str(), path.to_str().context("the path is text")?];
        let steps = steps.iter().map(String::as_str);
        Ok(Self { program: Own::start(arguments.into_iter().chain(steps))?, _folder: folder })
    }

    pub(super) fn pid(&self) -> u32 {
        self.program.pid()
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.program.address
    }
}

// === impl Ask ===

impl Client for Ask {
    type Target = SocketAddr;

    async fn connect(to: &SocketAddr) -> Result<Self> {
        Ok(Self(Http::connect(*to).await?))
    }

    async fn once(&mut self) -> Result<u64> {
        self.0.post("/", JSON, &order().to_string()).await?;
        Ok(1)
    }
}

/// Serves until killed; prints its address.
pub(crate) fn serve(words: &[String]) -> Result<()> {
    let [sync, journal, steps @ ..] = words else { anyhow::bail!("by-hand each|group JOURNAL URL...") };
    let sync = Sync::parse(sync)?;
    let journal = Journal::open(Path::new(journal), sync)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = legacy::Client::builder(TokioExecutor::new()).build(connector);
        let orchestrator = Arc::new(Orchestrator { journal, sync, steps: steps.to_vec(), client });
        own::serve(move |request| answer(request, orchestrator.clone())).await
    })
}

async fn answer(
    request: Request<Incoming>,
    orchestrator: Arc<Orchestrator>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let carried_out = async {
        let body = request.into_body().collect().await?.to_bytes();
        orchestrator.carry_out(serde_json::from_slice(&body)?).await
    };
    let mut response = Response::new(Full::default());
    if let Err(error) = carried_out.await {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        *response.body_mut() = Full::new(format!("{error:#}").into());
    }
    Ok(response)
}

// === impl Orchestrator ===

impl Orchestrator {
    async fn carry_out(&self, mut data: Map<String, Value>) -> Result<()> {
        let saga = data.get("orderId").and_then(Value::as_str).context("an order has an id")?.to_owned();
        if self.sync == Sync::Group {
            self.journal.write(json!({ "saga": saga, "begins": 0, "data": data }).to_string()).await?;
        }
        for (step, url) in self.steps.iter().enumerate() {
            if self.sync == Sync::Each {
                self.journal.write(json!({ "saga": saga, "begins": step, "data": data }).to_string()).await?;
            }
            let result = self.send(url, &saga, step, &data).await?;
            let mut entry = json!({ "saga": saga, "done": step, "result": result });
            if self.sync == Sync::Group && step + 1 < self.steps.len() {
                entry["begins"] = (step + 1).into();
            }
            self.journal.write(entry.to_string()).await?;
            data.extend(result);
        }
        Ok(())
    }

    /// Has a step carried out, and answers its result.
    async fn send(&self, url: &str, saga: &str, step: usize, data: &Map<String, Value>) -> Result<Map<String, Value>> {
        let mut payload = data.clone();
        payload.insert("sagaId".to_owned(), saga.into());
        payload.insert("stepIndex".to_owned(), step.into());
        let request = Request::post(url)
            .header("content-type", JSON)
            .header("idempotency-key", format!("{saga}/{step}"))
            .body(Full::new(serde_json::to_vec(&payload)?.into()))?;
        let (head, body) = self.client.request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        ensure!(head.status.is_success(), "{url} answered {}: {}", head.status, String::from_utf8_lossy(&body));
        Ok(serde_json::from_slice(&body)?)
    }
}
