//! What was counted, put together when somebody asks.
//!
//! Nothing here is kept from one time to the next, and no lock that a request could want is held while anything is written.

mod delivery;
mod host;
mod http;
mod services;

use std::sync::Arc;

use switchyard_runtime::Runtime;

use super::model::Gathered;
use crate::{
    admin::Sources,
    telemetry::{otlp::Exporter, spans},
};

/// What is asked for figures beside all that the admin API knows. In tests there is nothing of it.
#[derive(Default)]
pub(crate) struct Counted {
    pub(crate) runtime: Option<Arc<Runtime>>,
    /// None when no collector is named.
    pub(crate) spans: Option<Arc<spans::Counts>>,
    pub(crate) exporter: Option<Exporter>,
}

/// Asks everybody. What the store cannot tell now is left out, and that is logged: all else is worth having still.
pub(crate) async fn gather(sources: &Sources) -> Gathered {
    let mut gathered = Gathered::default();
    http::gather(&mut gathered, sources);
    services::gather(&mut gathered, sources);
    if let Err(error) = delivery::gather(&mut gathered, sources).await {
        tracing::warn!(%error, "metrics of events, queues and sagas are missing");
    }
    host::gather(&mut gathered, sources);
    gathered
}
