//! One life of a host, in this process: everything that it does runs on threads of its own, and ends at once when it
//! crashes, in whatever state it is. What is on disk is all that the next one has.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use switchyard_core::{
    event::DATA_MAX,
    route::{Lookup, action::Destination, path::strip_prefix},
};
use switchyard_delivery::{Config, Delivery, Trial};
use switchyard_dispatch::{Body, CallContext, Dispatcher, Snapshot};
use switchyard_runtime::{Runtime, ports::Ports};
use switchyard_store::{Backend, Embedded, Options, StoreError};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::plugins::Plugins;
use crate::{
    config,
    ports::{LiveRegistry, Nothing, StoredKeyValue},
    reload::{self, Asked, PluginState, Reloader},
    watch::{Event, Unsettled},
};

/// How long it may take until nothing of a crashed host is left.
const LET_GO: Duration = Duration::from_secs(10);

/// How often it is looked whether the store of a crashed host is free.
const LOOK: Duration = Duration::from_millis(2);

/// How long plugins may take to be live; they are compiled by then.
const LIVE: Duration = Duration::from_secs(20);

/// How long a request may take.
const REQUEST: Duration = Duration::from_secs(10);

/// The threads of a host.
const THREADS: usize = 2;

/// A host with a definition on trial. Dropping it is its crash.
pub(super) struct Host {
    /// None only while it is dropped.
    threads: Option<tokio::runtime::Runtime>,
    wired: Wired,
}

/// What a host consists of.
struct Wired {
    delivery: Arc<Delivery>,
    dispatcher: Arc<Dispatcher>,
    _plugins: Option<Loaded>,
}

/// What keeps the reloader going: it ends when nobody could tell it anything any more.
struct Loaded {
    _events: mpsc::Sender<Event>,
    _configs: watch::Sender<Arc<config::Config>>,
}

// === impl Host ===

impl Host {
    /// A host whose state is in this folder, with these plugins live.
    ///
    /// # Errors
    /// When the folder cannot be used, or a plugin does not become live.
    pub(super) fn start(plugins: &Plugins, folder: &Path, trial: Trial) -> anyhow::Result<Self> {
        let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
        let threads = threads.context("cannot start threads")?;
        let wired = threads.block_on(Box::pin(Wired::new(plugins, folder, trial)))?;
        Ok(Self { threads: Some(threads), wired })
    }

    pub(super) fn delivery(&self) -> &Arc<Delivery> {
        &self.wired.delivery
    }

    /// Does something on this host's threads.
    pub(super) fn block_on<T>(&self, what: impl Future<Output = T>) -> T {
        self.threads.as_ref().expect("it is not dropped yet").block_on(what)
    }

    /// All that it does ends here.
    pub(super) fn crash(self) {
        drop(self);
    }

    /// Sends a request as the gateway would, and answers status and body.
    ///
    /// # Errors
    /// When no route takes it, or the service does not answer.
    pub(super) async fn request(
        &self,
        method: &Method,
        target: &str,
        body: String,
    ) -> anyhow::Result<(StatusCode, Vec<u8>)> {
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let snapshot = self.wired.dispatcher.snapshot();
        let route = match snapshot.routes.find("", method.as_str(), path, &|_| false) {
            Lookup::Found(route) => route,
            Lookup::MethodNotAllowed { allow } => bail!("{method} {target}: the route takes {allow} only"),
            Lookup::NotFound => bail!("{method} {target}: no route takes it"),
        };
        let Destination::Service(service) = &route.to else {
            bail!("{method} {target}: the route leads to more than one service, or elsewhere; name another path")
        };
        let path = route.rules.strip_prefix.as_deref().map_or(path, |prefix| strip_prefix(path, prefix));
        let target_within = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
        let request = Request::builder()
            .method(method)
            .uri(target_within)
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::full(body));
        let context = CallContext {
            request_id: "saga-test".into(),
            traceparent: None,
            ancestors: Arc::default(),
            deadline: tokio::time::Instant::now() + REQUEST,
            body_max: DATA_MAX,
            show_backtrace: false,
            cause: None,
            handled: None,
        };
        let called = self.wired.dispatcher.call(service, context, request.context("it cannot be sent")?).await;
        let (head, body) = called.with_context(|| format!("{method} {target}"))?.into_parts();
        let body = tokio::time::timeout(REQUEST, Limited::new(body, DATA_MAX).collect()).await;
        let body = body.with_context(|| format!("{method} {target}: its body takes too long"))?;
        let body = body.map_err(|error| anyhow::anyhow!("{method} {target}: {error}"))?;
        Ok((head.status, body.to_bytes().to_vec()))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(threads) = self.threads.take() {
            threads.shutdown_timeout(LET_GO);
        }
        // Plugins hold the runtime, and that the dispatcher and the store.
        self.wired.dispatcher.publish(Snapshot::default());
    }
}

// === impl Wired ===

impl Wired {
    async fn new(plugins: &Plugins, folder: &Path, trial: Trial) -> anyhow::Result<Self> {
        let store = open(&folder.join("store")).await?;
        let dispatcher = Dispatcher::new();
        let delivery = Delivery::on_trial(Arc::clone(&store), Arc::clone(&dispatcher), Config::default(), Some(trial));
        let loaded = match plugins.is_empty() {
            true => None,
            false => Some(load(plugins, folder, store, &dispatcher, &delivery).await?),
        };
        // It never stops in good order.
        tokio::spawn(Arc::clone(&delivery).run(CancellationToken::new(), Duration::ZERO));
        Ok(Self { delivery, dispatcher, _plugins: loaded })
    }
}

/// The store of this folder, once the host that had it before has let go.
async fn open(folder: &Path) -> anyhow::Result<Arc<dyn Backend>> {
    let until = Instant::now() + LET_GO;
    loop {
        match Embedded::open(Options::new(folder)) {
            Ok(store) => return Ok(Arc::new(store)),
            Err(StoreError::Locked { .. }) if Instant::now() < until => tokio::time::sleep(LOOK).await,
            Err(error) => return Err(error).context("the store cannot be opened"),
        }
    }
}

/// Has plugins loaded as a host that serves does, but told of at once: they lie still.
async fn load(
    plugins: &Plugins,
    folder: &Path,
    store: Arc<dyn Backend>,
    dispatcher: &Arc<Dispatcher>,
    delivery: &Arc<Delivery>,
) -> anyhow::Result<Loaded> {
    let ports = Ports {
        key_value: Arc::new(StoredKeyValue::new(store)),
        http: Arc::clone(dispatcher) as _,
        events: Arc::clone(delivery) as _,
        queues: Arc::clone(delivery) as _,
        sagas: Arc::clone(delivery) as _,
        batches: Arc::clone(delivery) as _,
        registry: Arc::new(LiveRegistry::new(Arc::clone(dispatcher))),
        logs: Arc::new(Nothing),
    };
    let runtime = Arc::new(Runtime::new(plugins.runtime()?, ports)?);
    let options = reload::Options { plugins: plugins.folder.clone(), data: folder.to_owned() };
    let config = Arc::clone(&plugins.config);
    let (reloader, mut shown) = Reloader::new(
        options,
        Arc::clone(&config),
        runtime,
        Arc::clone(dispatcher),
        Arc::clone(delivery),
        Asked::nothing(),
    )?;
    let (events, told) = mpsc::channel(plugins.items.len() + 1);
    for (name, item) in &plugins.items {
        events.try_send(Event::Changed(name.clone(), Some(item.clone()))).context("the plugins cannot be told of")?;
    }
    events.try_send(Event::Ready(Unsettled::Files(BTreeSet::new()))).context("the plugins cannot be told of")?;
    let (configs, config) = watch::channel(config);
    tokio::spawn(reloader.run(told, config, CancellationToken::new()));
    let live = async {
        while !shown.shown().is_ready {
            if !shown.changed().await {
                bail!("loading the plugins ended unexpectedly");
            }
        }
        Ok(())
    };
    tokio::time::timeout(LIVE, live).await.context("the plugins do not become live")??;
    for plugin in shown.shown().plugins.iter() {
        if plugin.state != PluginState::Active {
            bail!("the plugin '{}' is not live: {}", plugin.name, plugin.error.as_deref().unwrap_or("it has no error"));
        }
    }
    Ok(Loaded { _events: events, _configs: configs })
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use switchyard_core::saga::{Outcome, StartDraft};
    use switchyard_delivery::{Carrier, Publisher, Sent};
    use tokio::sync::Notify;

    use super::*;
    use crate::config::Config;

    /// Takes commands, and never answers.
    #[derive(Default)]
    struct Silent(Notify);

    #[async_trait]
    impl Carrier for Silent {
        async fn carry(&self, _: &Arc<Delivery>, _: Sent) -> Option<Outcome> {
            self.0.notify_one();
            std::future::pending().await
        }
    }

    #[test]
    fn a_crash_leaves_nothing_but_what_is_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let threads = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let plugins = threads.block_on(Plugins::read(Config::default(), folder.path())).unwrap();
        let silent = Arc::new(Silent::default());
        let definition = r#"{"name": "s", "steps": [{"command": "a", "compensation": "b", "timeout": "1h"}]}"#;
        let start = || {
            let definitions = vec![serde_json::from_str(definition).unwrap()];
            Host::start(&plugins, folder.path(), Trial { carrier: Arc::clone(&silent) as _, definitions }).unwrap()
        };
        let host = start();
        let draft = StartDraft { name: "s".to_owned(), id: Some("s-1".to_owned()), data: "{}".into() };
        host.block_on(host.delivery().start_saga(Publisher::operator("/test"), draft)).unwrap();
        host.block_on(silent.0.notified());
        let delivery = Arc::downgrade(host.delivery());
        host.crash();
        assert!(delivery.upgrade().is_none(), "somebody still holds it");
        // The folder's lock is free, and the command is sent again.
        let host = start();
        host.block_on(silent.0.notified());
        let history = host.block_on(host.delivery().saga_history("s-1", None, 10)).unwrap();
        assert_eq!(history.items.last().unwrap()["event"], "resumed");
    }
}
