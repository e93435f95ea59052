//! What is known of the host itself and does not change while it runs.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Instant, SystemTime},
};

/// What the host is, and where.
#[derive(Clone, Debug)]
pub(crate) struct About {
    /// The name of this machine, as it calls itself.
    pub(crate) node: String,
    pub(crate) started: Instant,
    pub(crate) started_at: SystemTime,
    /// Where the gateway listens, as a URL.
    pub(crate) gateway: String,
    /// Where the admin API listens; none before it does.
    pub(crate) admin: Option<SocketAddr>,
    /// The folder of the store.
    pub(crate) store: PathBuf,
}

// === impl About ===

impl About {
    /// A host that starts now, with a gateway and a store that are here.
    pub(crate) fn starting(gateway: SocketAddr, is_secure: bool, store: PathBuf) -> Self {
        let scheme = if is_secure { "https" } else { "http" };
        Self {
            node: node_name(),
            started: Instant::now(),
            started_at: SystemTime::now(),
            gateway: format!("{scheme}://{gateway}"),
            admin: None,
            store,
        }
    }

    /// The bytes of the store's files; none when they cannot be read.
    pub(super) async fn store_bytes(&self) -> Option<u64> {
        let folder = self.store.clone();
        tokio::task::spawn_blocking(move || bytes_of(&folder)).await.ok().flatten()
    }
}

fn bytes_of(folder: &Path) -> Option<u64> {
    let files = std::fs::read_dir(folder).ok()?;
    let sizes = files.filter_map(|file| file.ok()?.metadata().ok()).filter(|file| file.is_file());
    Some(sizes.map(|file| file.len()).sum())
}

fn node_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    Some(name.trim()).filter(|name| !name.is_empty()).unwrap_or("localhost").to_owned()
}
