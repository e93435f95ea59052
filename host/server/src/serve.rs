//! `serve`: wires everything, runs it, and takes it down in order.

use std::{
    fs::DirBuilder,
    net::SocketAddr,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use switchyard_core::health::Lifecycle;
use switchyard_dispatch::{Dispatcher, Snapshot};
use switchyard_gateway::Gateway;
use switchyard_runtime::{Runtime, ports::Ports};
use switchyard_store::{Backend, Embedded};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admin::{Admin, Sources},
    cli::HostArgs,
    config::Config,
    health::Poller,
    output,
    ports::StoredKeyValue,
    reconfigure,
    reload::{self, COMPONENT_MAX, Reloader},
    shutdown, telemetry,
    watch::Watch,
};

/// The time between two rounds of giving up what no service has used for long.
const SWEEP_PERIOD: Duration = Duration::from_secs(5);

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
        let folder = config.store_path.clone().unwrap_or_else(|| data.join("store"));
        let store: Arc<dyn Backend> = Arc::new(Embedded::open(switchyard_store::Options::new(folder))?);
        let dispatcher = Dispatcher::new();
        let ports =
            Ports { key_value: Arc::new(StoredKeyValue::new(Arc::clone(&store))), http: Arc::clone(&dispatcher) as _ };
        let options = switchyard_runtime::Options {
            cache_dir: data.join("cache"),
            compiler: own_program()?,
            winch: true,
            pool_max: None,
            compiles_max: None,
        };
        let runtime = Arc::new(Runtime::new(options, ports)?);
        Ok(Self { config: Arc::new(config), store, dispatcher, runtime, stop, tasks: TaskTracker::new() })
    }

    async fn run(self, args: HostArgs, mode: Mode) -> anyhow::Result<ExitCode> {
        let gateway = Gateway::bind(self.gateway_options(mode), Arc::clone(&self.dispatcher)).await?;
        let (gateway_at, gateway_handle) = (gateway.local_addr(), gateway.handle());
        let (configs, config) = watch::channel(Arc::clone(&self.config));
        let plugins = self.reload(&args.data, config.clone())?;
        let (poller, checks) = Poller::new(Arc::clone(&self.dispatcher), gateway_handle.clone(), config);
        let sources = Sources {
            dispatcher: Arc::clone(&self.dispatcher),
            plugins: plugins.clone(),
            checks,
            stopping: self.stop.clone(),
        };
        let admin = Admin::bind(self.config.admin, sources).await?;
        let admin_at = admin.local_addr().context("the admin API has no address")?;

        self.tasks.spawn(poller.run(plugins.clone(), self.stop.clone()));
        self.tasks.spawn(sweep(Arc::clone(&self.runtime), self.stop.clone()));
        self.tasks.spawn(say_ready(plugins, gateway_handle.clone(), self.stop.clone()));
        let (file, overrides) = (args.followed_file(), args.overrides());
        self.tasks.spawn(reconfigure::follow(file, overrides, configs, self.stop.clone()));
        // The admin API outlives the gateway, so that it can be seen stopping.
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
        let (reloader, handle) = Reloader::new(options, config, runtime, Arc::clone(&self.dispatcher))?;
        self.tasks.spawn(watch.run(self.stop.clone()));
        self.tasks.spawn(reloader.run(events, configs, self.stop.clone()));
        Ok(handle)
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

fn make_private(dir: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.with_context(|| format!("cannot make the folder {}", dir.display()))
}

fn announce(gateway: SocketAddr, admin: SocketAddr) {
    output::line(format_args!("gateway listening on http://{gateway}"));
    output::line(format_args!("admin listening on http://{admin}"));
}

/// Tells the gateway once everything that was there at the start is loaded.
async fn say_ready(mut plugins: reload::Handle, gateway: switchyard_gateway::Handle, stop: CancellationToken) {
    while !plugins.shown().is_ready {
        tokio::select! {
            () = stop.cancelled() => return,
            more = plugins.changed() => if !more { return },
        }
    }
    if !stop.is_cancelled() {
        gateway.set_lifecycle(Lifecycle::Serving);
        tracing::info!(plugins = plugins.shown().plugins.len(), "ready");
    }
}

async fn sweep(runtime: Arc<Runtime>, stop: CancellationToken) {
    let mut period = interval(SWEEP_PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = period.tick() => {
                let runtime = Arc::clone(&runtime);
                if let Err(error) = tokio::task::spawn_blocking(move || runtime.sweep()).await {
                    tracing::error!(%error, "giving up idle code failed");
                }
            }
        }
    }
}
