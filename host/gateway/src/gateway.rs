//! A gateway's life: bind, accept, drain.

use std::{io, net::SocketAddr, sync::Arc};

use switchyard_core::health::Lifecycle;
use switchyard_dispatch::Dispatcher;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    connections::Connections,
    handle::{Handle, Shared},
    listener::Listener,
    options::Options,
};

/// The HTTP edge of a host. It is bound first, so that its address is known, and serves while [`Gateway::run`]
/// runs.
pub struct Gateway {
    shared: Arc<Shared>,
    listener: Listener,
    local_addr: SocketAddr,
}

/// The address cannot be listened at.
#[derive(Debug, thiserror::Error)]
#[error("the gateway cannot listen at {address}; choose another address with --listen, or stop what holds it")]
pub struct BindError {
    /// The address that was asked for.
    pub address: SocketAddr,
    source: io::Error,
}

impl Gateway {
    /// Listens. Connections are accepted from [`Gateway::run`] on; until then they wait.
    ///
    /// # Errors
    /// When the address is taken, not ours, or not permitted.
    pub async fn bind(options: Options, dispatcher: Arc<Dispatcher>) -> Result<Self, BindError> {
        let address = options.listen;
        let error = |source| BindError { address, source };
        let listener = Listener::bind(address).map_err(error)?;
        let local_addr = listener.local_addr().map_err(error)?;
        Ok(Self { shared: Arc::new(Shared::new(options, dispatcher)), listener, local_addr })
    }

    /// The address it listens at, with the real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The way to reach it while it runs.
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.shared))
    }

    /// Serves until `shutdown` is cancelled. Then the listener closes at once, idle connections too, requests
    /// under way finish within `drain_timeout`, and what is left is cut.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self { shared, mut listener, .. } = self;
        let options = &shared.options;
        let mut connections = Connections::new(Arc::clone(&shared));
        let mut tick = interval(connections.tick());
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut cancelled = std::pin::pin!(shutdown.cancelled());
        loop {
            let room = connections.len() < options.connections_max;
            tokio::select! {
                () = &mut cancelled => break,
                (stream, peer) = listener.accept(), if room => connections.open(stream, peer),
                () = connections.ended(), if connections.len() > 0 => {}
                now = tick.tick() => connections.look(now.into_std()),
            }
        }
        drop(listener);
        shared.state().lifecycle = Lifecycle::ShuttingDown;
        connections.close();
        if timeout(options.drain_timeout, connections.all_ended()).await.is_err() {
            tracing::warn!(connections = connections.len(), "requests under way are cut: the drain time is over");
            connections.cut().await;
        }
        shared.access_log.flush().await;
    }
}
