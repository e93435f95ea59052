//! `serve`: wires everything, runs it, and takes it down in order.

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

use crate::{
    admin::{Admin, Sources},
    cli::HostArgs,
    config::Config,
    data::make_private,
    health::{Checks, Poller},
    host_events, output,
    ports::StoredKeyValue,
    reconfigure,
    reload::{self, COMPONENT_MAX, Reloader},
    shutdown, telemetry,
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
    telemetry::init(&config.telemetry)?;
    let stop = shutdown::on_signals().context("cannot listen for signals")?;
    let host = Host::start(&args.data, config, stop)?;
    host.run(args, mode).await
}

// === impl Host ===

impl Host {
    fn start(data: &Path, config: Config, stop: CancellationToken) -> anyhow::Result<Self> {
        make_private(data)?;
        let plugins = &config.plugins.dir;
        std::fs::create_dir_all(plugins).with_context(|| format!("cannot make the folder {}", plugins.display()))?;
        let folder = config.store_folder(data);
        let store: Arc<dyn Backend> = Arc::new(Embedded::open(switchyard_store::Options::new(folder))?);
        let dispatcher = Dispatcher::new();
        dispatcher.set_breaker_policy(config.breakers.clone());
        let delivery = Delivery::new(Arc::clone(&store), Arc::clone(&dispatcher), config.delivery.clone());
        let ports = Ports {
            key_value: Arc::new(StoredKeyValue::new(Arc::clone(&store))),
            http: Arc::clone(&dispatcher) as _,
            events: Arc::clone(&delivery) as _,
            queues: Arc::clone(&delivery) as _,
            sagas: Arc::clone(&delivery) as _,
            batches: Arc::clone(&delivery) as _,
        };
        let options = switchyard_runtime::Options {
            cache_dir: data.join("cache"),
            compiler: own_program()?,
            winch: true,
            pool_max: None,
            compiles_max: None,
        };
        let runtime = Arc::new(Runtime::new(options, ports)?);
        Ok(Self { config: Arc::new(config), store, dispatcher, delivery, runtime, stop, tasks: TaskTracker::new() })
    }

    async fn run(self, args: HostArgs, mode: Mode) -> anyhow::Result<ExitCode> {
        let gateway = Gateway::bind(self.gateway_options(mode), Arc::clone(&self.dispatcher)).await?;
        let (gateway_at, gateway_handle) = (gateway.local_addr(), gateway.handle());
        let (configs, config) = watch::channel(Arc::clone(&self.config));
        let plugins = self.reload(&args.data, config.clone())?;
        let (poller, checks) = Poller::new(Arc::clone(&self.dispatcher), gateway_handle.clone(), config.clone());
        let sources = Sources {
            dispatcher: Arc::clone(&self.dispatcher),
            delivery: Arc::clone(&self.delivery),
            plugins: plugins.clone(),
            checks: checks.clone(),
            stopping: self.stop.clone(),
        };
        let admin = Admin::bind(self.config.admin, sources).await?;
        let admin_at = admin.local_addr().context("the admin API has no address")?;

        self.tasks.spawn(poller.run(plugins.clone(), self.stop.clone()));
        self.tasks.spawn(tasks::sweep(Arc::clone(&self.runtime), self.stop.clone()));
        let deliveries = self.deliver(config, plugins.clone(), checks);
        self.tasks.spawn(tasks::say_ready(plugins, gateway_handle.clone(), self.stop.clone()));
        let (file, overrides) = (args.followed_file(), args.overrides());
        self.tasks.spawn(reconfigure::follow(file, overrides, configs, self.stop.clone()));
        // The admin API outlives the gateway and the deliveries, so that they can be seen stopping.
        let admin_stop = CancellationToken::new();
        let admin = tokio::spawn(admin.run(admin_stop.clone()));
        let gateway = tokio::spawn(gateway.run(self.stop.clone()));
        announce(gateway_at, admin_at);

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
            size_max: COMPONENT_MAX,
        };
        let (watch, events) = Watch::new(watched);
        let options = reload::Options { plugins, data: data.to_owned() };
        let (config, runtime) = (Arc::clone(&self.config), Arc::clone(&self.runtime));
        let (dispatcher, delivery) = (Arc::clone(&self.dispatcher), Arc::clone(&self.delivery));
        let (reloader, handle) = Reloader::new(options, config, runtime, dispatcher, delivery)?;
        self.tasks.spawn(watch.run(self.stop.clone()));
        self.tasks.spawn(reloader.run(events, configs, self.stop.clone()));
        Ok(handle)
    }

    /// Delivers, by the configuration of the moment, and tells what happens on this host. Resolves once what is under
    /// way has finished, or its time is over.
    fn deliver(
        &self,
        configs: watch::Receiver<Arc<Config>>,
        plugins: reload::Handle,
        checks: watch::Receiver<Checks>,
    ) -> JoinHandle<()> {
        let (delivery, dispatcher) = (Arc::clone(&self.delivery), Arc::clone(&self.dispatcher));
        self.tasks.spawn(host_events::tell(delivery, dispatcher, plugins, checks, self.stop.clone()));
        self.tasks.spawn(reconfigure::delivery(Arc::clone(&self.delivery), configs.clone(), self.stop.clone()));
        self.tasks.spawn(reconfigure::breakers(Arc::clone(&self.dispatcher), configs, self.stop.clone()));
        let drain = self.config.plugins.drain_timeout;
        self.tasks.spawn(Arc::clone(&self.delivery).run(self.stop.clone(), drain))
    }

    fn gateway_options(&self, mode: Mode) -> switchyard_gateway::Options {
        let (said, defaults) = (&self.config.gateway, switchyard_gateway::Options::default());
        switchyard_gateway::Options {
            listen: said.listen,
            body_max: said.body_max.unwrap_or(defaults.body_max),
            header_max: said.header_max.unwrap_or(defaults.header_max),
            request_timeout: said.request_timeout.unwrap_or(defaults.request_timeout),
            header_timeout: said.header_timeout.unwrap_or(defaults.header_timeout),
            idle_timeout: said.idle_timeout.unwrap_or(defaults.idle_timeout),
            connections_max: said.connections_max.unwrap_or(defaults.connections_max),
            access_log: said.access_log.unwrap_or(defaults.access_log),
            show_backtraces: mode == Mode::Development,
            drain_timeout: self.config.plugins.drain_timeout,
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    async fn finish(self) -> anyhow::Result<()> {
        self.tasks.close();
        self.tasks.wait().await;
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

fn announce(gateway: SocketAddr, admin: SocketAddr) {
    output::line(format_args!("gateway listening on http://{gateway}"));
    output::line(format_args!("admin listening on http://{admin}"));
}
