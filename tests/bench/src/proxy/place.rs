//! Who takes part, and that all of them do the same.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result, ensure};

use super::{Protocol, upstream::Seen};
use crate::load::{
    CLIENTS,
    contender::{Contender, Figures},
    table::load,
};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The upstream without a proxy; it comes first.
    Upstream,
    /// Our proxy in front of the upstream.
    Proxy,
    /// Another one, that all are divided by.
    Rival,
    /// Our gateway that has the service in itself.
    Plugin,
}

/// Something that is asked, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) kind: Kind,
    pub(super) name: &'static str,
    pub(super) pid: u32,
    pub(super) address: SocketAddr,
}

// === impl Place ===

impl Place {
    pub(super) fn new(kind: Kind, name: &'static str, pid: u32, address: SocketAddr) -> Self {
        Self { kind, name, pid, address }
    }

    /// Warms it up, looks whether it does what all are to do, and answers its figures when it is saturated.
    pub(super) async fn try_out(
        &self,
        protocol: Protocol,
        upstream: SocketAddr,
        saturated: &dyn Contender,
    ) -> Result<Figures> {
        let name = self.name;
        let before = Seen::ask(protocol, upstream).await?.connections;
        if matches!(self.kind, Kind::Proxy | Kind::Rival) {
            self.look(protocol).await?;
        }
        let mut figures = None;
        // The first time is to warm up.
        for _ in 0..2 {
            let (outcome, cpu) = load(saturated, 1).await?;
            ensure!(outcome.errors.is_empty(), "{name}, warming up: {}", outcome.errors[0]);
            figures = Some(outcome.figures(cpu));
        }
        let connections = Seen::ask(protocol, upstream).await?.connections - before;
        // So many for each time, and those that asked.
        ensure!(connections <= 3 * CLIENTS as u64, "{name} does not keep connections: there were {connections}");
        figures.context("it was loaded twice")
    }

    async fn look(&self, protocol: Protocol) -> Result<()> {
        let name = self.name;
        let seen = Seen::ask(protocol, self.address).await.with_context(|| name)?;
        ensure!(seen.protocol == protocol.version(), "{name} speaks {} to the upstream", seen.protocol);
        // Envoy takes an address of the machine for a loopback one.
        let client = seen.forwarded_for.as_deref().map(str::parse::<IpAddr>);
        ensure!(matches!(client, Some(Ok(_))), "{name} sets X-Forwarded-For to {:?}", seen.forwarded_for);
        Ok(())
    }
}
