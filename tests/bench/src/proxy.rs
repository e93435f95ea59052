//! Proxying to a native server, against nginx, HAProxy and Envoy; one worker each.

mod clients;
mod place;
mod report;
mod rivals;
mod rounds;
pub(crate) mod upstream;

use std::net::SocketAddr;

use anyhow::Result;
use bytes::Bytes;
use serde_json::{Value, json};
use switchyard_tests::{Host, Setup};

use self::{
    clients::{Hello1, Hello2},
    place::{Kind, Place},
    rivals::{Build, Rivals},
};
use crate::{
    client::{http::Http, http2::Http2},
    figures,
    load::{CLIENTS, cores::Cores},
    own::Own,
    server::{Server, rivals_folder},
    settings::Settings,
};

/// The tables that can be asked for: one for each protocol.
pub(crate) const TABLES: [&str; 2] = [Protocol::Http1.table(), Protocol::Http2.table()];

/// What is spoken on both sides of a proxy.
#[derive(Clone, Copy, Debug)]
enum Protocol {
    Http1,
    /// In cleartext, by prior knowledge.
    Http2,
}

/// Measures the tables that are wanted, and prints each when it is done, then all as JSON.
pub(crate) async fn measure(settings: &Settings) -> Result<()> {
    let rivals = Rivals::find(rivals_folder()?)?;
    let head = json!({
        "machine": figures::machine(), "system": figures::system(), "versions": rivals.versions,
        "rounds": settings.rounds, "seconds": settings.seconds, "clients": CLIENTS,
    });
    println!("{}; {}", figures::machine(), figures::system());
    println!("{}", rivals.versions.join("; "));
    println!("{} rounds of {} s, {CLIENTS} clients", settings.rounds, settings.seconds);
    let mut tables = Vec::new();
    for protocol in [Protocol::Http1, Protocol::Http2] {
        if settings.wants(protocol.table()) {
            tables.push(side_by_side(protocol, &rivals, settings).await?);
        }
    }
    println!("\n{}", json!({ "run": head, "tables": tables }));
    Ok(())
}

async fn side_by_side(protocol: Protocol, rivals: &Rivals, settings: &Settings) -> Result<Value> {
    let native = Own::start(["upstream", protocol.table()])?;
    let gateway = gateway(protocol, native.address).await;
    let with_plugin = with_plugin().await;
    let nginx = rivals.start_nginx(Build::Wheel, protocol, native.address)?;
    let packaged = match protocol {
        Protocol::Http1 => Some(rivals.start_nginx(Build::Packaged, protocol, native.address)?),
        Protocol::Http2 => None,
    };
    let haproxy = rivals.start_haproxy(protocol, native.address)?;
    let envoy = rivals.start_envoy(protocol, native.address)?;
    let rival = |name, server: &Server| Place::new(Kind::Rival, name, server.pid(), server.address);
    let mut places = vec![
        Place::new(Kind::Upstream, "The upstream itself", native.pid(), native.address),
        Place::new(Kind::Proxy, "Switchyard", gateway.pid(), gateway.gateway),
        rival("nginx", &nginx),
    ];
    places.extend(packaged.as_ref().map(|nginx| rival("nginx, packaged", nginx)));
    places.extend([rival("HAProxy", &haproxy), rival("Envoy", &envoy)]);
    places.push(Place::new(Kind::Plugin, "Switchyard, no hop", with_plugin.pid(), with_plugin.gateway));
    let cores = Cores::keep(places.iter().map(|place| place.pid))?;
    let measured = match protocol {
        Protocol::Http1 => rounds::measure::<Hello1>(protocol, places, settings).await?,
        Protocol::Http2 => rounds::measure::<Hello2>(protocol, places, settings).await?,
    };
    report::print(protocol, &measured, cores.are_awake());
    Ok(report::json(protocol, &measured, cores.are_awake()))
}

/// The gateway with nothing but a route to the upstream.
async fn gateway(protocol: Protocol, upstream: SocketAddr) -> Host {
    let scheme = match protocol {
        Protocol::Http1 => "http",
        Protocol::Http2 => "h2c",
    };
    start(Setup::new(), &format!("[[upstream]]\nname = 'native'\naddress = '{scheme}://{upstream}'\n"), "native").await
}

/// The gateway with a plugin that says hello, which needs no upstream.
async fn with_plugin() -> Host {
    let host = start(Setup::new().plugin("hello", "hello"), "", "hello").await;
    host.until("hello", "optimised", |plugin| plugin["tier"] == "optimised").await;
    host
}

/// With all paths routed to a service, and one worker.
async fn start(setup: Setup, config: &str, service: &str) -> Host {
    let route = format!("{config}[[route]]\npath = '/*'\nservice = '{service}'\n");
    // The runtime reads it, and has as many workers as there are cores otherwise.
    setup.config(&route).env("TOKIO_WORKER_THREADS", "1").start().await
}

// === impl Protocol ===

impl Protocol {
    const fn table(self) -> &'static str {
        match self {
            Self::Http1 => "http1",
            Self::Http2 => "http2",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Http1, Self::Http2].into_iter().find(|protocol| protocol.table() == word)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2 in cleartext",
        }
    }

    /// As hyper writes it.
    const fn version(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2.0",
        }
    }

    /// One request on a connection of its own.
    async fn get(self, at: SocketAddr, path: &str) -> Result<Bytes> {
        match self {
            Self::Http1 => Http::connect(at).await?.get(path).await,
            Self::Http2 => Http2::connect(at).await?.get(path).await,
        }
    }
}
