//! The real binary in a folder of its own.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use http::Method;
use serde_json::Value;
use tempfile::TempDir;

use crate::client::{Answer, Client};

/// How long anything may take before a test gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What a host starts with.
#[derive(Debug)]
pub struct Setup {
    dir: TempDir,
    command: &'static str,
    env: Vec<(String, String)>,
    patience: Duration,
}

/// A running host.
pub struct Host {
    setup: Setup,
    child: Child,
    /// Where the gateway listens.
    pub gateway: SocketAddr,
    /// Where the admin API listens.
    pub admin: SocketAddr,
    log: Arc<Mutex<String>>,
}

// === impl Setup ===

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}

impl Setup {
    /// Empty folders.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        fs::create_dir(dir.path().join("plugins")).expect("a folder can be made");
        Self { dir, command: "serve", env: Vec::new(), patience: PATIENCE }
    }

    /// With a component as `plugins/STEM.wasm`.
    #[must_use]
    pub fn plugin(self, stem: &str, component: &str) -> Self {
        drop_file(&self.plugins().join(format!("{stem}.wasm")), &crate::component_bytes(component));
        self
    }

    /// With this configuration.
    #[must_use]
    pub fn config(self, toml: &str) -> Self {
        fs::write(self.dir.path().join("switchyard.toml"), toml).expect("a file can be written");
        self
    }

    /// With an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// With another command than `serve`, and its arguments.
    #[must_use]
    pub fn command(mut self, command: &'static str) -> Self {
        self.command = command;
        self
    }

    /// With more time for the start, in seconds.
    #[must_use]
    pub fn patience(mut self, seconds: u64) -> Self {
        self.patience = Duration::from_secs(seconds);
        self
    }

    /// The folder that everything lies in.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The plugins folder.
    pub fn plugins(&self) -> PathBuf {
        self.dir.path().join("plugins")
    }

    /// Starts the host and waits until it is ready.
    pub async fn start(self) -> Host {
        let host = self.start_unready().await;
        host.ready().await;
        host
    }

    /// Starts the host and waits until it listens.
    pub async fn start_unready(self) -> Host {
        let mut command = Command::new(binary());
        command
            .args(self.command.split(' '))
            .args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the host's binary is built");
        let log = Arc::new(Mutex::new(String::new()));
        let stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        keep(stderr, log.clone(), |_| {});
        let (found, addresses) = std::sync::mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        keep(stdout, log.clone(), move |line| {
            let said = [" listening on http://", " listening on https://"];
            if let Some((what, address)) = said.iter().find_map(|said| line.split_once(said)) {
                let address: SocketAddr = address.trim().parse().expect("the host prints an address");
                // The test may be over already.
                let _ = found.send((what.to_owned(), address));
            }
        });
        let address = |expected: &str| match addresses.recv_timeout(self.patience) {
            Ok((what, address)) if what == expected => address,
            other => panic!("the host did not say where its {expected} listens: {other:?}\n{}", log.lock().unwrap()),
        };
        let (gateway, admin) = (address("gateway"), address("admin"));
        Host { setup: self, child, gateway, admin, log }
    }

    /// Runs another command of the host's binary in the folder, and answers how it ended and what it printed.
    pub fn run(&self, arguments: &[&str]) -> (ExitStatus, String) {
        run(self.path(), arguments)
    }

    /// Starts a host that is expected to end by itself, and answers how, and what it printed.
    pub fn run_to_end(&self) -> (ExitStatus, String) {
        let output = Command::new(binary())
            .args(self.command.split(' '))
            .args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .current_dir(self.dir.path())
            .output()
            .expect("the host's binary is built");
        let text = [output.stdout, output.stderr].concat();
        (output.status, String::from_utf8_lossy(&text).into_owned())
    }
}

// === impl Host ===

impl Host {
    /// A new connection to the gateway.
    pub async fn client(&self) -> Client {
        Client::connect(self.gateway).await.expect("the gateway accepts connections")
    }

    /// GET at the gateway, on a connection of its own.
    pub async fn get(&self, path: &str) -> Answer {
        self.client().await.get(path).await.unwrap_or_else(|error| panic!("GET {path}: {error}\n{}", self.log()))
    }

    /// Any request at the gateway, on a connection of its own.
    pub async fn send(&self, method: Method, path: &str, body: &str) -> Answer {
        let sent = self.client().await.send(method, path, body.to_owned()).await;
        sent.unwrap_or_else(|error| panic!("{path}: {error}\n{}", self.log()))
    }

    /// GET at the admin API.
    pub async fn admin(&self, path: &str) -> Answer {
        let mut client = Client::connect(self.admin).await.expect("the admin API accepts connections");
        client.get(path).await.expect("the admin API answers")
    }

    /// The plugin of this stem, as the admin API shows it; null when it is not there.
    pub async fn plugin(&self, stem: &str) -> Value {
        let list = self.admin("/api/v1/plugins").await.json();
        let items = list["items"].as_array().cloned().unwrap_or_default();
        items.into_iter().find(|item| item["name"] == stem).unwrap_or(Value::Null)
    }

    /// Waits until the plugin of this stem is as described.
    pub async fn until(&self, stem: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let since = Instant::now();
        loop {
            let plugin = self.plugin(stem).await;
            if is(&plugin) {
                return plugin;
            }
            assert!(since.elapsed() < PATIENCE, "the plugin '{stem}' is not {what}: {plugin:#}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until `/readyz` answers 200.
    pub async fn ready(&self) {
        let since = Instant::now();
        while self.admin("/readyz").await.status != 200 {
            assert!(since.elapsed() < PATIENCE, "the host does not become ready\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Puts a component in place as `cp` does: the old file is written over.
    pub fn copy(&self, stem: &str, bytes: &[u8]) {
        fs::write(self.plugin_file(stem), bytes).expect("a file can be written");
    }

    /// Puts a component in place by renaming it over the old one.
    pub fn rename_into_place(&self, stem: &str, bytes: &[u8]) {
        drop_file(&self.plugin_file(stem), bytes);
    }

    /// `plugins/STEM.wasm`.
    pub fn plugin_file(&self, stem: &str) -> PathBuf {
        self.setup.plugins().join(format!("{stem}.wasm"))
    }

    /// The folder that everything lies in.
    pub fn path(&self) -> &Path {
        self.setup.path()
    }

    /// What the host has printed so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Runs another command of the host's binary in the same folder, and answers how it ended and what it printed.
    pub fn run(&self, arguments: &[&str]) -> (ExitStatus, String) {
        run(self.path(), arguments)
    }

    /// Runs a command that talks to this host, and answers its exit code and what it printed.
    pub fn tell(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let url = format!("http://{}", self.admin);
        let (status, text) = self.run(&[arguments, &["--url", &url]].concat());
        (status.code(), text)
    }

    /// Another command of the host's binary in the same folder, to be started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        command(self.path(), arguments)
    }

    /// The id of the host's process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it at once, as a power cut would, and keeps its folders.
    pub fn kill(mut self) -> Setup {
        self.child.kill().expect("the host runs");
        self.child.wait().expect("the host can be waited for");
        self.into_setup()
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) -> (Setup, ExitStatus) {
        let status = self.terminate();
        (self.into_setup(), status)
    }

    fn terminate(&mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("kill is there");
        assert!(sent.success(), "the host runs");
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the host can be waited for") {
                return status;
            }
            assert!(since.elapsed() < PATIENCE, "the host does not stop\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn into_setup(mut self) -> Setup {
        std::mem::take(&mut self.setup)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(folder: &Path, arguments: &[&str]) -> (ExitStatus, String) {
    let output = command(folder, arguments).output().expect("the host's binary is built");
    let text = [output.stdout, output.stderr].concat();
    (output.status, String::from_utf8_lossy(&text).into_owned())
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command
}

/// Writes beside, then renames.
fn drop_file(path: &Path, bytes: &[u8]) {
    let temporary = path.with_extension("tmp");
    fs::write(&temporary, bytes).expect("a file can be written");
    fs::rename(&temporary, path).expect("a file can be renamed");
}

fn keep(reader: impl BufRead + Send + 'static, log: Arc<Mutex<String>>, mut each: impl FnMut(&str) + Send + 'static) {
    std::thread::spawn(move || {
        for line in reader.lines().map_while(Result::ok) {
            each(&line);
            let mut log = log.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    });
}

/// The host's binary, built in the same profile as the tests.
fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its file");
    let folder = test.ancestors().find(|folder| folder.join("switchyard").is_file());
    let folder = folder.unwrap_or_else(|| panic!("the host is not built; run `cargo build --locked`"));
    folder.join("switchyard")
}
