//! Commands that work on the data folder itself, whether a host runs or not.

pub(crate) mod backup;
pub(crate) mod doctor;
pub(crate) mod restore;

use std::{
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;

use crate::{
    cli::config_file,
    config::{Config, Overrides},
};

/// Where the store is; said as to `serve`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DataArgs {
    /// The configuration [default: ./switchyard.toml if it is there]
    #[arg(long, value_name = "FILE", env = "SWITCHYARD_CONFIG")]
    config: Option<PathBuf>,
    /// Where the host keeps its state
    #[arg(long, value_name = "DIR", env = "SWITCHYARD_DATA", default_value = "data")]
    data: PathBuf,
}

// === impl DataArgs ===

impl DataArgs {
    /// The folder of the store that a host with these arguments would use.
    fn store(&self) -> anyhow::Result<PathBuf> {
        let config = Config::load(config_file(self.config.as_ref()).as_deref(), &Overrides::default())?;
        Ok(config.store_folder(&self.data))
    }

    /// The same, of a host that has run.
    fn existing_store(&self) -> anyhow::Result<PathBuf> {
        let folder = self.store()?;
        if !folder.exists() {
            bail!("there is no store at {}; name the host's data folder with --data", folder.display());
        }
        Ok(folder)
    }
}

/// Makes a folder, if it is not there, that belongs to this user alone.
pub(crate) fn make_private(dir: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.with_context(|| format!("cannot make the folder {}", dir.display()))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, process::ExitCode};

    use clap::Parser;
    use switchyard_store::{Backend, Embedded, Expect, Options};

    use super::*;
    use crate::cli::{Cli, Command};

    /// Runs a command line as `main` does, with its data folder.
    fn run(command: &[&str], data: &Path) -> anyhow::Result<ExitCode> {
        let data = data.to_str().expect("UTF-8");
        let line = [&["switchyard"], command, &["--data", data]].concat();
        match Cli::parse_from(line).command {
            Command::Doctor(args) => doctor::run(&args),
            Command::Backup(args) => backup::run(&args),
            Command::Restore(args) => restore::run(&args),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn what_was_backed_up_from_under_a_host_comes_back_elsewhere() {
        let dir = tempfile::tempdir().expect("a folder");
        let (data, other, copy) = (dir.path().join("data"), dir.path().join("other"), dir.path().join("copy"));
        let copy = copy.to_str().expect("UTF-8");
        assert!(run(&["doctor"], &data).is_err(), "there is no store");
        let store = Embedded::open(Options::new(data.join("store"))).expect("a store");
        store.kv_put("b", "k", "v".into(), Expect::Any).await.expect("it is put");

        assert_eq!(run(&["doctor"], &data).expect("a store"), ExitCode::SUCCESS);
        run(&["backup", copy], &data).expect("a copy");
        assert!(run(&["backup", copy], &data).is_err(), "the copy is there");
        assert!(run(&["restore", copy], &data).is_err(), "a host holds the folder");
        run(&["restore", copy], &other).expect("restored");
        let mode = fs::metadata(&other).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "the folder is this user's alone");
        let restored = Embedded::open(Options::new(other.join("store"))).expect("a store");
        assert_eq!(restored.kv_get("b", "k").await.expect("it reads").map(|entry| entry.value), Some("v".into()));
    }

    #[test]
    fn the_folder_is_the_one_that_a_host_would_use() {
        let dir = tempfile::tempdir().expect("a folder");
        let config = dir.path().join("conf.toml");
        fs::write(&config, "[store]\npath = 'elsewhere'").expect("written");
        let args = |config| DataArgs { config, data: "d".into() };
        assert_eq!(args(Some(config)).store().expect("it is right"), dir.path().join("elsewhere"));
    }
}
