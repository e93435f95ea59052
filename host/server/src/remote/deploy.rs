//! `deploy`: sends a component, and what belongs to it, and waits until it is live.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, bail};
use clap::Args;
use switchyard_core::name::PluginFile;

use super::{
    RemoteArgs,
    client::{Sending, Target},
    plugins,
};
use crate::progress::{Audience, Progress};

/// What `deploy` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct DeployArgs {
    /// The component
    file: PathBuf,
    /// Under which name: NAME, or NAME@VERSION to stage a version beside the main one [default: that of the file]
    #[arg(long, value_name = "STEM")]
    name: Option<String>,
    /// Its side file [default: FILE with .toml in the place of .wasm, if that is there]
    #[arg(long, value_name = "FILE", conflicts_with = "no_side")]
    side: Option<PathBuf>,
    /// It gets no side file, and the one that the host has for it goes
    #[arg(long)]
    no_side: bool,
    /// Its signature [default: FILE.minisig, if that is there]
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// The parts of a form, one after the other.
struct Form {
    boundary: String,
    bytes: Vec<u8>,
}

/// Deploys.
///
/// # Errors
/// When a file cannot be read, no host answers, or it refuses the component.
pub(crate) async fn run(args: DeployArgs) -> anyhow::Result<ExitCode> {
    let stem = args.stem()?;
    let component =
        fs::read(&args.file).with_context(|| format!("cannot read the component {}", args.file.display()))?;
    let side = match args.no_side {
        true => None,
        false => beside(args.side.as_deref(), &args.file.with_extension("toml"))?,
    };
    let signature = beside(args.signature.as_deref(), &minisig(&args.file))?;
    let mut form = Form::new(component.len());
    for (name, content) in [("side", side), ("signature", signature)] {
        if let Some(content) = content {
            form.add(name, &content);
        }
    }
    form.add("component", &component);
    drop(component);
    let target = Target::new(&["plugins"]).with("name", Some(&stem)).with("side", args.no_side.then_some("none"));
    let (kind, body) = form.end();
    let progress = Progress::bytes(&format!("sending {stem}"), body.len() as u64, Audience::of(args.remote.json));
    let body = Sending::telling(body.into(), Arc::new(progress), "waiting until it is live");
    let answer = args.remote.client().patient().upload(&target, &kind, body).await?;
    args.remote.print_done(&answer, &plugins::live(&answer));
    Ok(ExitCode::SUCCESS)
}

/// A file that is named, or the one that would be expected if it is there.
fn beside(named: Option<&Path>, expected: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    let file = named.unwrap_or(expected);
    match fs::read(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => Ok(None),
        read => read.map(Some).with_context(|| format!("cannot read {}", file.display())),
    }
}

fn minisig(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".minisig");
    name.into()
}

// === impl DeployArgs ===

impl DeployArgs {
    /// The name that is said, else that of the file; crates have underscores where services have hyphens.
    fn stem(&self) -> anyhow::Result<String> {
        let of_file = || {
            let name = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.strip_suffix(".wasm").unwrap_or(&name).replace('_', "-")
        };
        let stem = self.name.clone().unwrap_or_else(of_file);
        match PluginFile::from_stem(&stem) {
            Ok(file) => Ok(file.stem),
            Err(_) => bail!("'{stem}' is not the name of a plugin; say --name NAME, or NAME@VERSION"),
        }
    }
}

// === impl Form ===

impl Form {
    /// An empty one; `length` bytes or a little more are expected.
    fn new(length: usize) -> Self {
        // What nobody can know stands in no component.
        let boundary = format!("switchyard-{}", uuid::Uuid::new_v4());
        Self { boundary, bytes: Vec::with_capacity(length + (64 << 10)) }
    }

    fn add(&mut self, name: &str, content: &[u8]) {
        let head = format!("--{}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n", self.boundary);
        self.bytes.extend_from_slice(head.as_bytes());
        self.bytes.extend_from_slice(content);
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// Its content type, and the bytes.
    fn end(mut self) -> (String, Vec<u8>) {
        self.bytes.extend_from_slice(format!("--{}--\r\n", self.boundary).as_bytes());
        (format!("multipart/form-data; boundary={}", self.boundary), self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn stem(arguments: &[&str]) -> Option<String> {
        let Command::Deploy(args) = Cli::parse_from([&["switchyard", "deploy"], arguments].concat()).command else {
            panic!("that command was named")
        };
        args.stem().ok()
    }

    #[test]
    fn a_plugin_is_named_after_its_file() {
        assert_eq!(stem(&["target/user_service.wasm"]).as_deref(), Some("user-service"));
        assert_eq!(stem(&["users@1.2.0.wasm"]).as_deref(), Some("users@1.2.0"));
        assert_eq!(stem(&["a.wasm", "--name", "b"]).as_deref(), Some("b"));
        assert_eq!(stem(&["a b.wasm"]), None);
        assert_eq!(stem(&["a.wasm", "--name", "b_c"]), None);
    }

    #[test]
    fn only_what_is_named_has_to_be_there() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("a.wasm");
        assert_eq!(beside(None, &file).expect("it need not be there"), None);
        assert!(beside(Some(&file), &file).is_err());
        assert_eq!(minisig(&file), dir.path().join("a.wasm.minisig"));
    }
}
