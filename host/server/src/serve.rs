//! `serve`: wires everything, runs it, and takes it down in order.

mod certificates;
mod export;
mod files;
mod memory;
mod settings;
mod tasks;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;
use switchyard_delivery::Delivery;
use switchyard_dispatch::{Dispatcher, Snapshot};
use switchyard_gateway::Gateway;
use switchyard_runtime::{Runtime, ports::Ports};
use switchyard_store::{Backend, Embedded};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::export::Export;
use crate::{
    admin::{About, Admin, Guard, Rates, Sources},
    cli::HostArgs,
    config::Config,
    data::make_private,
    feed::Feed,
    health::{Checks, Poller, Probed, Prober},
    host_events,
    logs::Logs,
    metrics::Counted,
    output,
    ports::{LiveRegistry, StoredKeyValue},
    progress, reconfigure,
    registrations::Registrations,
    reload::{self, Asked, Reloader},
    routes::Routes,
    shutdown, telemetry,
    traffic::Traffics,
    watch::Watch,
};

/// For whom the host serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// For everybody.
    Production,
    /// For the author of the services: traps show where they happened.
    Development,
}

/// A host with everything running.
struct Host {
    config: Arc<Config>,
    store: Arc<dyn Backend>,
    dispatcher: Arc<Dispatcher>,
    delivery: Arc<Delivery>,
    runtime: Arc<Runtime>,
    registrations: Arc<Registrations>,
    routes: Arc<Routes>,
    traffic: Arc<Traffics>,
    guard: Arc<Guard>,
    logs: Arc<Logs>,
    /// None without a collector.
    export: Option<Export>,
    /// Cancelled to stop what reads the folder and polls.
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// Serves until a signal comes.
///
/// # Errors
/// When the configuration is wrong, an address is taken, or a folder cannot be used.
pub(crate) async fn serve(args: HostArgs, mode: Mode) -> anyhow::Result<ExitCode> {
    let config = Config::load(args.config_file().as_deref(), &args.overrides())?;
    let logs = Arc::new(Logs::new());
    telemetry::init(&config.telemetry, Arc::clone(&logs))?;
    files::allow_many();
    let stop = shutdown::on_signals().context("cannot listen for signals")?;
    let host = Host::start(&args.data, config, logs, stop).await?;
    host.run(args, mode).await
}

// === impl Host ===

impl Host {
    async fn start(data: &Path, config: Config, logs: Arc<Logs>, stop: CancellationToken) -> anyhow::Result<Self> {
        // Before anything is touched: with a wrong token file the host does not start.
        let guard = Arc::new(Guard::open(&config.admin)?);
        make_private(data)?;
        let plugins = &config.plugins.dir;
        std::fs::create_dir_all(plugins).with_context(|| format!("cannot make the folder {}", plugins.display()))?;
        let folder = config.store_folder(data);
        let store: Arc<dyn Backend> = Arc::new(Embedded::open(switchyard_store::Options::new(folder))?);
        store.set_bucket_limits(config.bucket_limits());
        let registrations = Arc::new(Registrations::open(Arc::clone(&store)).await?);
        let routes = Arc::new(Routes::open(Arc::clone(&store)).await?);
        let traffic = Arc::new(Traffics::open(Arc::clone(&store)).await?);
        let dispatcher = Dispatcher::new();
        let export = Export::start(&config.telemetry, &dispatcher);
        dispatcher.set_breaker_policy(config.breakers.clone());
        dispatcher.set_call_policy(config.call_policy());
        let delivery = Delivery::new(Arc::clone(&store), Arc::clone(&dispatcher), config.delivery.clone());
        let ports = Ports {
            key_value: Arc::new(StoredKeyValue::new(Arc::clone(&store))),
            http: Arc::clone(&dispatcher) as _,
            events: Arc::clone(&delivery) as _,
            queues: Arc::clone(&delivery) as _,
            sagas: Arc::clone(&delivery) as _,
            batches: Arc::clone(&delivery) as _,
            registry: Arc::new(LiveRegistry::new(Arc::clone(&dispatcher))),
            logs: Arc::clone(&logs) as _,
        };
        let options = switchyard_runtime::Options {
            cache_dir: data.join("cache"),
            compiler: own_program()?,
            winch: true,
            pool_max: None,
            compiles_max: None,
        };
        let runtime = Arc::new(Runtime::new(options, ports)?);
        memory::limit(&runtime, config.plugins.memory_max);
        let (config, tasks) = (Arc::new(config), TaskTracker::new());
        Ok(Self {
            config,
            store,
            dispatcher,
            delivery,
            runtime,
            registrations,
            routes,
            traffic,
            logs,
            guard,
            export,
            stop,
            tasks,
        })
    }

    async fn run(mut self, args: HostArgs, mode: Mode) -> anyhow::Result<ExitCode> {
        let gateway = Gateway::bind(self.gateway_options(mode)?, Arc::clone(&self.dispatcher)).await?;
        let (gateway_at, gateway_handle) = (gateway.local_addr(), gateway.handle());
        let (configs, config) = watch::channel(Arc::clone(&self.config));
        let plugins = self.reload(&args.data, config.clone())?;
        let (poller, checks) = Poller::new(Arc::clone(&self.dispatcher), gateway_handle.clone(), config.clone());
        let rates = Arc::new(Rates::default());
        let (feed, probed) = (Arc::new(Feed::new()), Probed::new());
        let sources = Sources {
            dispatcher: Arc::clone(&self.dispatcher),
            delivery: Arc::clone(&self.delivery),
            plugins: plugins.clone(),
            checks: checks.clone(),
            probed: Arc::clone(&probed),
            config: config.clone(),
            registrations: Arc::clone(&self.registrations),
            routes: Arc::clone(&self.routes),
            traffic: Arc::clone(&self.traffic),
            feed: Arc::clone(&feed),
            logs: Arc::clone(&self.logs),
            console: Arc::default(),
            gateway: Some(gateway_handle.clone()),
            store: Arc::clone(&self.store),
            counted: Arc::new(self.counted()),
            about: Arc::new(self.about(&args.data, gateway_at)),
            rates: Arc::clone(&rates),
            guard: Arc::clone(&self.guard),
            stopping: self.stop.clone(),
        };
        if let Some(export) = &mut self.export {
            export.push(sources.clone(), self.config.telemetry.metrics_interval);
        }
        let admin = Admin::bind(self.config.admin.listen, sources).await?;
        let admin_at = admin.local_addr().context("the admin API has no address")?;

        self.tasks.spawn(poller.run(plugins.clone(), self.stop.clone()));
        let prober = Prober::new(Arc::clone(&self.dispatcher), config.clone(), Arc::clone(&probed));
        self.tasks.spawn(prober.run(self.stop.clone()));
        self.tasks.spawn(tasks::expire(
            Arc::clone(&self.registrations),
            Arc::clone(&self.dispatcher),
            self.stop.clone(),
        ));
        self.tasks.spawn(tasks::sweep(Arc::clone(&self.runtime), self.stop.clone()));
        self.tasks.spawn(rates.run(Arc::clone(&self.dispatcher), gateway_handle.clone(), self.stop.clone()));
        self.reconfigure(&gateway_handle, config);
        let deliveries = self.deliver(plugins.clone(), checks, probed, feed);
        self.tasks.spawn(progress::loading(plugins.clone(), self.stop.clone()));
        self.tasks.spawn(tasks::say_ready(plugins, gateway_handle.clone(), self.stop.clone()));
        let (file, overrides) = (args.followed_file(), args.overrides());
        self.tasks.spawn(reconfigure::follow(file, overrides, configs, self.stop.clone()));
        // The admin API outlives the gateway and the deliveries, so that they can be seen stopping.
        let admin_stop = CancellationToken::new();
        let admin = tokio::spawn(admin.run(admin_stop.clone()));
        let gateway = tokio::spawn(gateway.run(self.stop.clone()));
        announce(self.config.gateway.tls.is_some(), gateway_at, admin_at);

        let failed = tokio::select! {
            () = self.stop.cancelled() => None,
            failed = self.store.failed() => Some(failed),
        };
        gateway_handle.begin_shutdown();
        self.stop.cancel();
        gateway.await.context("the gateway ended unexpectedly")?;
        deliveries.await.context("delivering ended unexpectedly")?;
        admin_stop.cancel();
        admin.await.context("the admin API ended unexpectedly")?;
        self.finish().await?;
        match failed {
            // What was acknowledged is safe; what came after is not, and only a new start can tell.
            Some(failed) => Err(anyhow::Error::new(failed).context("the store has failed, so the host has stopped")),
            None => {
                tracing::info!("stopped");
                Ok(ExitCode::SUCCESS)
            }
        }
    }

    fn reload(&self, data: &Path, configs: watch::Receiver<Arc<Config>>) -> anyhow::Result<reload::Handle> {
        let plugins = self.config.plugins.dir.clone();
        let watched = crate::watch::Options {
            dir: plugins.clone(),
            is_relevant: switchyard_core::folder::is_relevant,
            size_max: switchyard_core::folder::size_max,
            files_max: crate::watch::FILES_MAX,
        };
        let (watch, events) = Watch::new(watched);
        let options = reload::Options { plugins, data: data.to_owned() };
        let (config, runtime) = (Arc::clone(&self.config), Arc::clone(&self.runtime));
        let (dispatcher, delivery) = (Arc::clone(&self.dispatcher), Arc::clone(&self.delivery));
        let asked =
            Asked { upstreams: self.registrations.watch(), routes: self.routes.watch(), traffic: self.traffic.watch() };
        let (reloader, handle) = Reloader::new(options, config, runtime, dispatcher, delivery, asked)?;
        self.tasks.spawn(watch.run(self.stop.clone()));
        self.tasks.spawn(reloader.run(events, configs, self.stop.clone()));
        Ok(handle)
    }

    fn counted(&self) -> Counted {
        Counted {
            runtime: Some(Arc::clone(&self.runtime)),
            spans: self.export.as_ref().map(|export| Arc::clone(&export.spans)),
            exporter: self.export.as_ref().map(|export| export.exporter.clone()),
        }
    }

    fn about(&self, data: &Path, gateway: SocketAddr) -> About {
        About::starting(gateway, self.config.gateway.tls.is_some(), self.config.store_folder(data))
    }

    /// Delivers, by the configuration of the moment, and tells what happens on this host. Resolves once what is under
    /// way has finished, or its time is over.
    fn deliver(
        &self,
        plugins: reload::Handle,
        checks: watch::Receiver<Checks>,
        probed: Arc<Probed>,
        feed: Arc<Feed>,
    ) -> JoinHandle<()> {
        let (delivery, dispatcher) = (Arc::clone(&self.delivery), Arc::clone(&self.dispatcher));
        self.tasks.spawn(host_events::tell(delivery, dispatcher, plugins, checks, probed, feed, self.stop.clone()));
        let drain = self.config.plugins.drain_timeout;
        self.tasks.spawn(Arc::clone(&self.delivery).run(self.stop.clone(), drain))
    }

    async fn finish(self) -> anyhow::Result<()> {
        self.tasks.close();
        self.tasks.wait().await;
        if let Some(export) = self.export {
            export.finish().await;
        }
        // Plugins hold the runtime, and that the dispatcher.
        self.dispatcher.publish(Snapshot::default());
        self.store.close().await.context("the store could not be closed in order")
    }
}

/// The program that compiles components: this one, also when its file has been replaced since the start.
fn own_program() -> anyhow::Result<PathBuf> {
    let linked = PathBuf::from("/proc/self/exe");
    if linked.exists() { Ok(linked) } else { std::env::current_exe().context("cannot find this program's own file") }
}

fn announce(is_secure: bool, gateway: SocketAddr, admin: SocketAddr) {
    let scheme = if is_secure { "https" } else { "http" };
    output::line(format_args!("gateway listening on {scheme}://{gateway}"));
    output::line(format_args!("admin listening on http://{admin}"));
}
