//! The versions of a service, and how its HTTP calls are shared between them.

use std::{collections::BTreeMap, sync::Arc};

use semver::Version;
use switchyard_core::{
    name::ServiceName,
    route::action::{Mirror, Part},
};
use switchyard_dispatch::{Service, Traffic};

use crate::{
    reload::stem::{Active, Stem},
    traffic::Draft,
};

/// The stems of each service: the main one first, then the staged ones in the order in which they came.
pub(super) struct Stems<'a>(BTreeMap<&'a ServiceName, Vec<&'a Stem>>);

/// What one file answers with: a generation, or two while a new one proves itself.
struct Group {
    /// What calls of this version come to.
    whole: Arc<Service>,
    generations: Vec<Arc<Service>>,
}

// === impl Stems ===

impl<'a> Stems<'a> {
    /// Sorted by service; what is main has been decided.
    pub(super) fn of(stems: &'a BTreeMap<String, Stem>) -> Self {
        let mut by_service: BTreeMap<_, Vec<&Stem>> = BTreeMap::new();
        for stem in stems.values() {
            if let Some(active) = &stem.serving {
                by_service.entry(&active.manifest.name).or_default().push(stem);
            }
        }
        by_service.values_mut().for_each(|stems| stems.sort_by_key(|stem| (stem.is_staged, stem.active_since)));
        Self(by_service)
    }

    /// The service with all of its versions, its calls shared as is asked for.
    pub(super) fn complete(&self, service: Service, asked: Option<&Draft>) -> Service {
        let stems = self.0.get(service.name()).map(Vec::as_slice).unwrap_or_default();
        let groups: Vec<Group> = stems.iter().filter_map(|stem| Group::of(&service, stem)).collect();
        let Some(main) = groups.first() else { return service };
        let traffic = asked.and_then(|asked| shared(asked, main, &groups)).map(Arc::new);
        let traffic = traffic.or_else(|| main.whole.traffic.clone());
        let versions = groups.iter().flat_map(|group| group.generations.iter().cloned()).collect();
        service.with_versions(versions, traffic)
    }
}

/// How calls are shared; none when the main version gets them all. What a version that is not there should get is the main
/// one's.
fn shared(asked: &Draft, main: &Group, groups: &[Group]) -> Option<Traffic> {
    let find = |version: &Version| groups.iter().find(|group| group.whole.manifest.version == *version);
    let given = asked.versions.iter().filter(|share| share.weight > 0);
    let mut parts: Vec<_> = given.map(|share| part(find(&share.version).unwrap_or(main), share.weight)).collect();
    if parts.is_empty() {
        parts.push(part(main, 1));
    }
    let mirror = asked.mirror.as_ref().and_then(|copies| {
        let service = Arc::clone(&find(&copies.version)?.whole);
        Some(Mirror { service, percent: copies.percent })
    });
    let is_main = |part: &Part<Arc<Service>>| Arc::ptr_eq(&part.service, &main.whole);
    if mirror.is_none() && parts.iter().all(is_main) {
        return None;
    }
    // What is asked for was checked.
    Traffic::new(parts, mirror).ok()
}

fn part(group: &Group, weight: u32) -> Part<Arc<Service>> {
    Part { service: Arc::clone(&group.whole), weight }
}

// === impl Group ===

impl Group {
    fn of(service: &Service, stem: &Stem) -> Option<Self> {
        let old = generation(service, stem.serving.as_ref()?);
        let candidate = stem.candidate.as_ref();
        let Some((active, rollout)) = candidate.and_then(|one| Some((&one.active, one.rollout.as_ref()?))) else {
            return Some(Self { whole: Arc::clone(&old), generations: vec![old] });
        };
        let (new, percent) = (generation(service, active), u32::from(rollout.percent()));
        let parts = [(&old, 100 - percent), (&new, percent)];
        let parts = parts.map(|(service, weight)| Part { service: Arc::clone(service), weight });
        let traffic = Traffic::new(parts.into(), None).ok().map(Arc::new);
        let whole = Service::clone(&old).with_versions(Vec::new(), traffic);
        Some(Self { whole: Arc::new(whole), generations: vec![old, new] })
    }
}

fn generation(service: &Service, active: &Active) -> Arc<Service> {
    let (manifest, instance) = (Arc::clone(&active.manifest), Arc::clone(&active.instance));
    Arc::new(service.version(manifest, instance, Arc::clone(&active.stats)))
}
