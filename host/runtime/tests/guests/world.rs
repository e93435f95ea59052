//! A runtime with one guest of `tests/guests`, in a folder of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use http::Request;
use serde_json::Value;
use switchyard_core::{
    describe::Description,
    manifest::Guests,
    name::{Digest, Generation},
    saga::{Direction, Told},
};
use switchyard_runtime::{Body, CallContext, Limits, Options, Plugin, PluginSpec, Runtime, Settings};

use crate::ports::Fake;

/// How long a call may take that is to succeed.
const PATIENCE: Duration = Duration::from_secs(60);

/// One guest as the service `shop`.
pub(crate) struct World {
    pub(crate) ports: Arc<Fake>,
    pub(crate) plugin: Arc<Plugin>,
    pub(crate) description: Arc<Description>,
    folder: PathBuf,
    _runtime: Runtime,
}

// === impl World ===

impl World {
    /// With a guest, and the CPU time that it has for each call, each in a fresh instance.
    pub(crate) async fn new(guest: &str, cpu_max: Duration) -> Self {
        let limits = Limits { cpu_max, ..Limits::default() };
        Self::with(guest, Settings { limits, ..Settings::default() }).await
    }

    /// With a guest whose instances are reused.
    pub(crate) async fn reused(guest: &str) -> Self {
        Self::with(guest, Settings { guests: Guests::Reused, ..Settings::default() }).await
    }

    /// With a guest under these settings.
    pub(crate) async fn with(guest: &str, settings: Settings) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{guest}-{}", Digest::of(&unique())));
        let options = Options {
            cache_dir: folder.clone(),
            compiler: compiler(),
            winch: true,
            pool_max: Some(4),
            compiles_max: Some(1),
        };
        let ports: Arc<Fake> = Arc::default();
        let runtime = Runtime::new(options, ports.ports()).unwrap();
        let wasm = component(guest);
        let digest = Digest::of(&fs::read(&wasm).unwrap());
        let description = runtime.prepare(&wasm, digest).await.unwrap().description;
        let spec = PluginSpec {
            service: "shop".parse().unwrap(),
            generation: Generation(1),
            digest,
            description: description.clone(),
            settings,
        };
        let plugin = runtime.plugin(spec).unwrap();
        Self { ports, plugin, description, folder, _runtime: runtime }
    }

    /// The guest `probe`.
    pub(crate) async fn probe() -> Self {
        Self::new("probe", PATIENCE).await
    }

    /// Posts JSON to the guest, and answers what it answered.
    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let request = Request::post(path).body(Body::full(body.to_string())).unwrap();
        let response = self.plugin.call(context(PATIENCE), request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect(1 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // What stays behind lies in the build's own folder.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A call that must be answered within this time.
pub(crate) fn context(within: Duration) -> CallContext {
    CallContext {
        request_id: "r1".into(),
        traceparent: None,
        ancestors: [].into(),
        deadline: tokio::time::Instant::now() + within,
        body_max: 1 << 20,
        show_backtrace: false,
        cause: None,
        handled: None,
    }
}

/// The first attempt of the command `pay` with this payload.
pub(crate) fn pay(payload: &Value) -> Told {
    Told {
        name: "pay".to_owned(),
        saga_id: "o1".parse().unwrap(),
        saga_name: "order".to_owned(),
        step_index: 3,
        direction: Direction::Forward,
        attempt: 1,
        idempotency_key: "o1/3/forward/1".to_owned(),
        payload: payload.to_string().into(),
    }
}

fn unique() -> Vec<u8> {
    format!("{}-{:?}", std::process::id(), std::thread::current().id()).into()
}

fn component(guest: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join("target/guests").join(format!("{guest}.wasm"));
    assert!(path.exists(), "{} is not built; run `tests/run --guests`", path.display());
    path
}

/// The example that is built beside the tests.
fn compiler() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().and_then(Path::parent).unwrap().join("examples/compile_child");
    assert!(path.exists(), "{} is not built; run the tests without choosing targets", path.display());
    path
}
