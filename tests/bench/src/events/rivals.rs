//! The servers to compare with.

use std::{fs, net::TcpStream, path::PathBuf, process::Command};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::server::{Server, free_address, printed};

/// The folder that `tests/bench/rivals` made.
pub(crate) struct Rivals {
    pub(crate) folder: PathBuf,
    /// What is compared, with versions.
    pub(crate) versions: Vec<String>,
}

// === impl Rivals ===

impl Rivals {
    pub(crate) fn find(folder: PathBuf) -> Result<Self> {
        let mut rivals = Self { folder, versions: vec![format!("switchyard {}", env!("CARGO_PKG_VERSION"))] };
        let nats = printed(rivals.nats().arg("--version"))?;
        let redis = printed(rivals.redis().arg("--version"))?;
        let redis = redis.split_whitespace().find_map(|word| word.strip_prefix("v=")).unwrap_or("of unknown version");
        let node = printed(Command::new("node").arg("--version"))?;
        let bullmq = [rivals.npm_version("bullmq")?, rivals.npm_version("ioredis")?];
        rivals.versions.push(nats.replace(": ", " "));
        rivals.versions.push(format!("Redis {redis}"));
        rivals.versions.push(format!("BullMQ {} with ioredis {} on Node.js {node}", bullmq[0], bullmq[1]));
        Ok(rivals)
    }

    /// Starts a nats-server with JetStream. `sync_interval` is its own setting; none means its default.
    pub(crate) fn start_nats(&self, sync_interval: Option<&str>) -> Result<Server> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().display();
        let sync = sync_interval.map(|interval| format!("sync_interval: {interval}")).unwrap_or_default();
        let config = format!("ports_file_dir: \"{path}\"\njetstream {{ store_dir: \"{path}/store\", {sync} }}\n");
        fs::write(folder.path().join("nats.conf"), config)?;
        let mut command = self.nats();
        command.args(["--addr", "127.0.0.1", "--port", "-1", "--config"]).arg(folder.path().join("nats.conf"));
        Server::start(command, folder, |child, folder| {
            let ports = folder.path().join(format!("nats-server_{}.ports", child.id()));
            let ports: Value = serde_json::from_slice(&fs::read(ports).ok()?).ok()?;
            ports["nats"][0].as_str()?.strip_prefix("nats://")?.parse().ok()
        })
    }

    /// Starts a redis-server that appends to a file, synced as `appendfsync` says.
    pub(crate) fn start_redis(&self, appendfsync: &str) -> Result<Server> {
        let folder = tempfile::tempdir()?;
        let address = free_address()?;
        let mut command = self.redis();
        command.args(["--bind", "127.0.0.1", "--port", &address.port().to_string()]);
        command.args(["--appendonly", "yes", "--appendfsync", appendfsync, "--save", "", "--dir"]).arg(folder.path());
        Server::start(command, folder, |_, _| TcpStream::connect(address).ok().map(|_| address))
    }

    fn nats(&self) -> Command {
        Command::new(self.folder.join("nats/bin/nats-server"))
    }

    fn redis(&self) -> Command {
        let mut command = Command::new(self.folder.join("redis/redis-server"));
        command.env("LD_LIBRARY_PATH", self.folder.join("redis/lib"));
        command
    }

    fn npm_version(&self, package: &str) -> Result<String> {
        let file = self.folder.join("bullmq/node_modules").join(package).join("package.json");
        let text = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let description: Value = serde_json::from_slice(&text)?;
        Ok(description["version"].as_str().unwrap_or_default().to_owned())
    }
}
