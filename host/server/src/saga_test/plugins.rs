//! The plugins of a run: copied once, so that a build meanwhile changes nothing, compiled once for all hosts, and looked
//! at for what they declare.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use switchyard_core::{
    event::topic::Pattern,
    folder::{Item, Source, Wanted, is_relevant, wanted},
    manifest::Manifest,
    saga::{Definition, Direction, definition::CommandStep, definition::Via},
};
use switchyard_runtime::Runtime;
use tokio::task::JoinSet;

use crate::{
    config::{Config, Plugins as Configured},
    ports::Nothing,
    reload::{self, COMPONENT_MAX},
    watch::digest_of,
};

/// Instances of all guests of one host.
const POOL_MAX: u32 = 64;

/// The plugins that all hosts of a run load.
pub(super) struct Plugins {
    /// The folder of the copies.
    pub(super) folder: PathBuf,
    /// What is in it.
    pub(super) items: BTreeMap<String, Item>,
    /// What holds for their guests, and the operator's routes.
    pub(super) config: Arc<Config>,
    manifests: Vec<Manifest>,
    cache: PathBuf,
}

// === impl Plugins ===

impl Plugins {
    /// The plugins of the configured folder, compiled; everything that is made lies in `scratch`.
    ///
    /// # Errors
    /// When the folder cannot be read, or one of its plugins would not load: its participants would be missed.
    pub(super) async fn read(config: Config, scratch: &Path) -> anyhow::Result<Self> {
        let (folder, cache) = (scratch.join("plugins"), scratch.join("cache"));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let from = config.plugins.dir.clone();
        let items = copy(&from, &folder).with_context(|| format!("cannot copy the plugins of {}", from.display()))?;
        let config = Config {
            plugins: Configured { dir: folder.clone(), ..config.plugins },
            routes: config.routes,
            services: config.services,
            // Nothing of a trial goes to anybody outside.
            ..Config::default()
        };
        let mut plugins = Self { folder, items, config: Arc::new(config), manifests: Vec::new(), cache };
        plugins.manifests = plugins.describe().await?;
        Ok(plugins)
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.manifests.is_empty()
    }

    /// The definition of this name that one of them declares.
    pub(super) fn definition(&self, name: &str) -> Option<&Definition> {
        self.manifests.iter().flat_map(|manifest| &manifest.sagas).find(|definition| definition.name() == name)
    }

    /// The names of all definitions that they declare.
    pub(super) fn definitions(&self) -> Vec<&str> {
        self.manifests.iter().flat_map(|manifest| &manifest.sagas).map(Definition::name).collect()
    }

    /// The service of theirs that takes a step's commands. Who subscribes to everything only listens.
    pub(super) fn participant(&self, step: &CommandStep) -> Option<&str> {
        let takes = |manifest: &&Manifest| match &step.via {
            Via::Component { service: Some(service) } | Via::Http { service, .. } => manifest.name == *service,
            Via::Component { service: None } => {
                let commands = [Direction::Forward, Direction::Compensation].map(|direction| step.command(direction));
                commands.into_iter().flatten().any(|command| manifest.commands.iter().any(|taken| taken == command))
            }
            Via::Event { topic } => {
                let topic = topic.as_deref().unwrap_or(&step.command);
                let patterns = manifest.subscriptions.iter().filter_map(|spec| spec.topic.parse::<Pattern>().ok());
                patterns.filter(|pattern| *pattern != Pattern::all()).any(|pattern| pattern.matches(topic))
            }
        };
        self.manifests.iter().find(takes).map(|manifest| manifest.name.as_str())
    }

    /// How the runtime of each host is made.
    ///
    /// # Errors
    /// When this program's own file cannot be found.
    pub(super) fn runtime(&self) -> anyhow::Result<switchyard_runtime::Options> {
        Ok(switchyard_runtime::Options {
            cache_dir: self.cache.clone(),
            compiler: std::env::current_exe().context("cannot find this program's own file")?,
            // What is compiled once for all is compiled well.
            winch: false,
            pool_max: Some(POOL_MAX),
            compiles_max: None,
        })
    }

    /// Compiles all of them, and says what each is.
    async fn describe(&self) -> anyhow::Result<Vec<Manifest>> {
        let wanted = wanted(&self.items);
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let runtime = Arc::new(Runtime::new(self.runtime()?, Nothing::ports())?);
        let mut jobs = JoinSet::new();
        for (stem, wanted) in wanted {
            let source = match wanted {
                Wanted::Load(source) => source,
                Wanted::Refused(why) => bail!("the plugin '{stem}' would not load: {why}"),
            };
            let (runtime, folder) = (Arc::clone(&runtime), self.folder.clone());
            jobs.spawn(async move {
                let described = describe(&runtime, &folder, &stem, source).await;
                described
                    .with_context(|| format!("the plugin '{stem}' would not load"))
                    .map(|manifest| (stem, manifest))
            });
        }
        let mut described = BTreeMap::new();
        while let Some(job) = jobs.join_next().await {
            described.extend([job.context("looking at a plugin ended unexpectedly")??]);
        }
        Ok(described.into_values().collect())
    }
}

async fn describe(runtime: &Runtime, folder: &Path, stem: &str, source: Source) -> anyhow::Result<Manifest> {
    let prepared = runtime.prepare(&folder.join(format!("{stem}.wasm")), source.digest).await?;
    let side = source.side.map(|_| fs::read_to_string(folder.join(format!("{stem}.toml")))).transpose()?;
    reload::manifest(stem, &prepared.description, side.as_deref()).map_err(anyhow::Error::msg)
}

/// Copies what a host would look at, and answers what that is.
fn copy(from: &Path, to: &Path) -> anyhow::Result<BTreeMap<String, Item>> {
    let mut items = BTreeMap::new();
    let entries = match fs::read_dir(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(items),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !is_relevant(&name) || !entry.file_type()?.is_file() {
            continue;
        }
        let copy = to.join(&name);
        fs::copy(entry.path(), &copy).with_context(|| format!("cannot copy {name}"))?;
        let (_, digest) = digest_of(&copy, COMPONENT_MAX).with_context(|| format!("cannot read {name}"))?;
        items.insert(name, Item::File(digest));
    }
    // A side file without its component, as Cargo.toml beside crates, is none.
    let has_component =
        |name: &str| name.strip_suffix(".toml").is_none_or(|stem| to.join(format!("{stem}.wasm")).exists());
    items.retain(|name, _| has_component(name));
    Ok(items)
}

#[cfg(test)]
mod tests {
    use switchyard_core::manifest::SubscriptionSpec;

    use super::*;

    #[test]
    fn a_participant_is_who_takes_the_commands_or_subscribes_to_their_topic() {
        let mut shop = Manifest::of_file("shop".parse().unwrap(), None);
        shop.commands = vec!["pay".to_owned(), "unpack".to_owned()];
        shop.subscriptions = [">", "mail.*"].map(SubscriptionSpec::of_topic).into();
        let plugins = Plugins {
            folder: PathBuf::new(),
            items: BTreeMap::new(),
            config: Arc::default(),
            manifests: vec![Manifest::of_file("audit".parse().unwrap(), None), shop],
            cache: PathBuf::new(),
        };
        let definition: Definition = serde_json::from_str(
            r#"{"name": "s", "steps": [
                {"command": "pay", "compensation": "refund"},
                {"command": "pack", "compensation": "unpack"},
                {"command": "call", "compensation": "refund"},
                {"command": "pay", "irreversible": true, "service": "bank"},
                {"command": "other", "irreversible": true, "service": "audit"},
                {"command": "a", "irreversible": true, "via": "http", "service": "shop", "path": "/a"},
                {"command": "mail.send", "irreversible": true, "via": "event"},
                {"command": "pay", "irreversible": true, "via": "event"}
            ]}"#,
        )
        .unwrap();
        let steps = (0..8).filter_map(|step| definition.command_step(step));
        let participants: Vec<_> = steps.map(|step| plugins.participant(step)).collect();
        let (shop, audit) = (Some("shop"), Some("audit"));
        assert_eq!(participants, [shop, shop, None, None, audit, shop, shop, None]);
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_has_no_plugins() {
        let scratch = tempfile::tempdir().unwrap();
        fs::create_dir(scratch.path().join("from")).unwrap();
        fs::write(scratch.path().join("from/Cargo.toml"), "[workspace]").unwrap();
        for folder in ["from", "none"] {
            let mut config = Config::default();
            config.plugins.dir = scratch.path().join(folder);
            let plugins = Plugins::read(config, scratch.path()).await.unwrap();
            assert!(plugins.is_empty() && plugins.items.is_empty() && plugins.definition("s").is_none());
        }
    }
}
