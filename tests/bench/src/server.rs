//! A server to compare with, in a folder of its own, and ended with the value that stands for it.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server.
pub(crate) struct Server {
    child: Child,
    folder: TempDir,
    pub(crate) address: SocketAddr,
}

/// Where `tests/bench/rivals` puts what is compared with.
pub(crate) fn rivals_folder() -> Result<PathBuf> {
    let folder = switchyard_tests::root().join("target/bench/rivals");
    folder
        .canonicalize()
        .context("nothing to compare with: use tests/bench/run, or run tests/bench/rivals target/bench/rivals events")
}

/// An address that is free now, for a server that cannot choose a port itself.
pub(crate) fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

// === impl Server ===

impl Server {
    /// Starts it and waits until `listens` answers where.
    pub(crate) fn start(
        mut command: Command,
        folder: TempDir,
        listens: impl Fn(&Child, &TempDir) -> Option<SocketAddr>,
    ) -> Result<Self> {
        let log = folder.path().join("log");
        let output = fs::File::create(&log)?;
        command.stdin(Stdio::null()).stderr(output.try_clone()?).stdout(output);
        let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let mut server = Self { child, folder, address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)) };
        let since = Instant::now();
        loop {
            if let Some(address) = listens(&server.child, &server.folder) {
                server.address = address;
                return Ok(server);
            }
            if server.child.try_wait()?.is_some() || since.elapsed() > PATIENCE {
                bail!("{command:?} does not listen:\n{}", fs::read_to_string(log)?);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a program prints.
pub(crate) fn printed(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    // Some tell their version on standard error.
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    Ok(String::from_utf8_lossy(&text).trim().to_owned())
}
