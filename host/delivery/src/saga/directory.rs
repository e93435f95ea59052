//! Who takes which command, and which definitions there are: what the manifests of live services say.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use switchyard_core::{
    name::{Digest, ServiceName},
    saga::{
        Definition,
        definition::{Via, Work},
    },
};
use switchyard_dispatch::{Dispatcher, Service, Snapshot};

/// Definitions that sagas keep and that are known without reading; when there are more, all are read again.
const KEPT_MAX: usize = 1_000;

/// The directory of the moment, and the definitions of sagas at work.
pub(super) struct Directories {
    /// Those of a trial.
    tried: Vec<Arc<Definition>>,
    current: ArcSwap<Directory>,
    kept: Mutex<HashMap<Digest, Arc<Definition>>>,
}

/// What the manifests of one snapshot say.
#[derive(Default)]
pub(super) struct Directory {
    /// How many snapshots had been published by then; none before the first look.
    published: Option<u64>,
    commands: HashMap<String, ServiceName>,
    pub(super) definitions: BTreeMap<String, Declared>,
    /// Whether a step of them goes by event.
    pub(super) has_event_steps: bool,
}

/// A definition that a live service declares.
pub(super) struct Declared {
    pub(super) definition: Arc<Definition>,
    /// None of one of a trial.
    pub(super) service: Option<ServiceName>,
}

// === impl Directories ===

impl Directories {
    /// What is tried out is there always.
    pub(super) fn new(tried: &[Definition]) -> Self {
        let tried = tried.iter().cloned().map(Arc::new).collect();
        Self { tried, current: ArcSwap::default(), kept: Mutex::default() }
    }

    /// What is live now.
    pub(super) fn current(&self, dispatcher: &Dispatcher) -> Arc<Directory> {
        // Read first: a snapshot that comes in between is looked at again.
        let published = *dispatcher.changes().borrow();
        let known = self.current.load_full();
        if known.published == Some(published) {
            return known;
        }
        let directory = Arc::new(self.read(published, &dispatcher.snapshot()));
        self.current.store(Arc::clone(&directory));
        directory
    }

    /// A definition that is known by its digest.
    pub(super) fn kept(&self, digest: &Digest) -> Option<Arc<Definition>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }

    /// Keeps a definition in mind; of equal ones, one.
    pub(super) fn keep(&self, definition: Definition) -> Arc<Definition> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX && !kept.contains_key(&definition.digest()) {
            kept.clear();
        }
        Arc::clone(kept.entry(definition.digest()).or_insert_with(|| Arc::new(definition)))
    }

    fn read(&self, published: u64, snapshot: &Snapshot) -> Directory {
        let mut directory = Directory { published: Some(published), ..Directory::default() };
        for service in snapshot.services.values() {
            let (name, manifest) = (service.name(), &service.manifest);
            let commands = manifest.commands.iter().map(|command| (command.clone(), name.clone()));
            directory.commands.extend(commands);
            for definition in &manifest.sagas {
                directory.has_event_steps |= has_event_steps(definition);
                let declared = Declared { definition: self.keep(definition.clone()), service: Some(name.clone()) };
                directory.definitions.insert(definition.name().to_owned(), declared);
            }
        }
        for definition in &self.tried {
            directory.has_event_steps |= has_event_steps(definition);
            let declared = Declared { definition: Arc::clone(definition), service: None };
            directory.definitions.insert(definition.name().to_owned(), declared);
        }
        directory
    }
}

// === impl Directory ===

impl Directory {
    /// The service that takes a command.
    pub(super) fn takes(&self, command: &str, snapshot: &Snapshot) -> Option<Arc<Service>> {
        snapshot.services.get(self.commands.get(command)?).cloned()
    }
}

/// Whether a step's command is an event.
pub(super) fn has_event_steps(definition: &Definition) -> bool {
    definition
        .steps()
        .iter()
        .any(|step| matches!(&step.work, Work::Command(command) if matches!(command.via, Via::Event { .. })))
}
