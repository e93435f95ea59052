//! Clients of the host: each starts a saga, waits until it has completed, and starts the next.

use std::{
    net::SocketAddr,
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::ends::Ends;
use crate::{
    client::http::{Http, JSON},
    load::closed_loop::Client,
};

/// How long a client rests between two looks at its order.
const LOOK: Duration = Duration::from_millis(2);

/// How long an order may not know that its saga has completed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A host, and who reads there which sagas have completed.
pub(super) struct Asked {
    pub(super) admin: SocketAddr,
    pub(super) gateway: SocketAddr,
    pub(super) ends: Ends,
}

/// Starts sagas of a definition through the admin API.
pub(super) struct Start {
    http: Http,
    asked: Rc<Asked>,
    definition: &'static str,
}

/// Places orders at the gateway, and waits until they are shown as completed.
pub(super) struct Place {
    http: Http,
    asked: Rc<Asked>,
}

/// An order that nobody else has: what a saga is about, whoever carries it out.
pub(super) fn order() -> Value {
    static IDS: AtomicU64 = AtomicU64::new(0);
    let mut order = placed();
    order["orderId"] = format!("{:012}", IDS.fetch_add(1, Relaxed)).into();
    order
}

/// What a customer says of it.
fn placed() -> Value {
    json!({ "customerId": "456", "items": [{ "productId": "p1", "quantity": 2 }], "amount": 99.99 })
}

/// Starts one saga, and waits until it has completed by looking at it.
pub(super) async fn try_out(admin: SocketAddr, definition: &str) -> Result<()> {
    let mut http = Http::connect(admin).await?;
    let draft = json!({ "sagaName": definition, "data": order() });
    let started: Value = serde_json::from_slice(&http.post("/api/v1/sagas", JSON, &draft.to_string()).await?)?;
    let path = format!("/api/v1/sagas/{}", started["sagaId"].as_str().context("a saga has an id")?);
    let since = Instant::now();
    loop {
        let saga: Value = serde_json::from_slice(&http.get(&path).await?)?;
        if saga["status"] == "completed" {
            return Ok(());
        }
        let goes_on = saga["status"] == "running" && since.elapsed() < PATIENCE;
        ensure!(goes_on, "a saga of {definition} does not complete: {saga:#}");
        sleep(LOOK).await;
    }
}

// === impl Start ===

impl Client for Start {
    type Target = (Rc<Asked>, &'static str);

    async fn connect((asked, definition): &Self::Target) -> Result<Self> {
        Ok(Self { http: Http::connect(asked.admin).await?, asked: asked.clone(), definition })
    }

    async fn once(&mut self) -> Result<u64> {
        let order = order();
        let id = format!("saga-{}", order["orderId"].as_str().context("an order has an id")?);
        let draft = json!({ "sagaName": self.definition, "sagaId": id, "data": order });
        self.http.post("/api/v1/sagas", JSON, &draft.to_string()).await?;
        self.asked.ends.of(&id).await?;
        Ok(1)
    }
}

// === impl Place ===

impl Client for Place {
    type Target = Rc<Asked>;

    async fn connect(asked: &Rc<Asked>) -> Result<Self> {
        Ok(Self { http: Http::connect(asked.gateway).await?, asked: asked.clone() })
    }

    async fn once(&mut self) -> Result<u64> {
        let placed = self.http.post("/api/orders", JSON, &placed().to_string()).await?;
        let placed: Value = serde_json::from_slice(&placed)?;
        let member = |name: &str| placed[name].as_str().with_context(|| format!("an order has a {name}"));
        self.asked.ends.of(member("sagaId")?).await?;
        let path = format!("/api/orders/{}", member("orderId")?);
        let since = Instant::now();
        loop {
            let shown: Value = serde_json::from_slice(&self.http.get(&path).await?)?;
            if shown["status"] == "completed" {
                return Ok(1);
            }
            let goes_on = shown["status"] == "pending" && since.elapsed() < PATIENCE;
            ensure!(goes_on, "an order whose saga has completed does not: {shown}");
            sleep(LOOK).await;
        }
    }
}
