//! `serve`: wires everything, runs it, and takes it down in order.

mod certificates;
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

use crate::{
    admin::{Admin, Sources},
    cli::HostArgs,
    config::Config,
    data::make_private,
    feed::Feed,
    health::{Checks, Poller, Probed, Prober},
    host_events, output,
    ports::{LiveRegistry, StoredKeyValue},
    reconfigure,
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
    files::allow_many();
    let stop = shutdown::on_signals().context("cannot listen for signals")?;
    let host = Host::start(&args.data, config, stop).await?;
    host.run(args, mode).await
}

// === impl Host ===

impl Host {
    async fn start(data: &Path, config: Config, stop: CancellationToken) -> anyhow::Result<Self> {
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
        Ok(Self { config, store, dispatcher, delivery, runtime, registrations, routes, traffic, stop, tasks })
    }

    async fn run(self, args: HostArgs, mode: Mode) -> anyhow::Result<ExitCode> {
        let gateway = Gateway::bind(self.gateway_options(mode)?, Arc::clone(&self.dispatcher)).await?;
        let (gateway_at, gateway_handle) = (gateway.local_addr(), gateway.handle());
        let (configs, config) = watch::channel(Arc::clone(&self.config));
        let plugins = self.reload(&args.data, config.clone())?;
        let (poller, checks) = Poller::new(Arc::clone(&self.dispatcher), gateway_handle.clone(), config.clone());
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
            stopping: self.stop.clone(),
        };
        let admin = Admin::bind(self.config.admin, sources).await?;
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
        self.reconfigure(&gateway_handle, config);
        let deliveries = self.deliver(plugins.clone(), checks, probed, feed);
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
