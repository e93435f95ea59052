//! A project that `new` made.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use switchyard_tests::{Setup, root};

/// A project, which goes away with the value.
pub(crate) struct Project {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    setup: Setup,
}

// === impl Project ===

impl Project {
    /// Makes one with these arguments.
    pub(crate) fn new(name: &str, arguments: &[&str]) -> Self {
        let setup = Setup::new();
        let (status, text) = setup.run(&[&["new", name], arguments].concat());
        assert!(status.success(), "{name}: {text}");
        let folder = setup.path().join(name).canonicalize().unwrap();
        Self { name: name.to_owned(), folder, setup }
    }

    /// Runs a program in its folder, which succeeds, and answers what it printed.
    #[track_caller]
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = command(program).args(arguments).current_dir(&self.folder).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{}: {program} {arguments:?}: {text}", self.name);
        text
    }

    /// Runs cargo with the toolchain for guests.
    #[track_caller]
    pub(crate) fn cargo(&self, arguments: &[&str]) -> String {
        self.run("cargo", arguments)
    }

    /// The component of a target, as the README copies it.
    pub(crate) fn built_for(&self, target: &str) -> PathBuf {
        shared_target().join(target).join("release").join(format!("{}.wasm", self.name.replace('-', "_")))
    }

    /// What another command of the host's binary prints, which succeeds.
    #[track_caller]
    pub(crate) fn host_binary(&self, arguments: &[&str]) -> String {
        let (status, text) = self.setup.run(arguments);
        assert!(status.success(), "{}: {arguments:?}: {text}", self.name);
        text
    }

    /// Has `inspect` say that a component would load, once it is called as the service.
    #[track_caller]
    pub(crate) fn would_load(&self, component: &Path) {
        let named = self.folder.join(format!("{}.wasm", self.name));
        fs::copy(component, &named).unwrap();
        let inspected = self.host_binary(&["inspect", named.to_str().unwrap()]);
        assert!(inspected.contains("it would load") && !inspected.contains("note "), "{inspected}");
    }

    /// A folder for a host that serves this component and nothing else, configured as the project asks for.
    pub(crate) fn deployed(&self, component: &Path) -> Setup {
        let mut setup = Setup::new();
        fs::copy(component, setup.plugins().join(format!("{}.wasm", self.name))).unwrap();
        if let Ok(config) = fs::read_to_string(self.folder.join("switchyard.toml")) {
            setup = setup.config(&config);
        }
        setup
    }
}

/// All builds share their dependencies, to be quick.
pub(crate) fn shared_target() -> PathBuf {
    root().join("target/new")
}

/// The rustup name of the toolchain for guests.
pub(crate) fn toolchain() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let output = Command::new("bash").arg(root().join("sdk/toolchain.sh")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    })
}

fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("RUSTUP_TOOLCHAIN", toolchain()).env("CARGO_TARGET_DIR", shared_target());
    // Set by the cargo that runs this test; it means another toolchain.
    command.env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTFLAGS");
    command
}
