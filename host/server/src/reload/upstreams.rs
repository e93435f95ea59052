//! The instances of upstreams: each lives on from one snapshot to the next for as long as what is said of it stays the
//! same, and with it its connections, its breaker and what is known of its health.

use std::{collections::BTreeMap, sync::Arc};

use switchyard_core::{name::ServiceName, upstream::Upstream};
use switchyard_dispatch::Instance;

use crate::registrations::Kept;

/// The instances by id.
#[derive(Default)]
pub(super) struct Upstreams {
    live: BTreeMap<String, Live>,
    /// Why some are not live, by id.
    failed: BTreeMap<String, String>,
}

/// The instances of each service.
pub(super) type ByService = BTreeMap<ServiceName, Vec<Arc<Instance>>>;

struct Live {
    upstream: Arc<Upstream>,
    instance: Arc<Instance>,
}

// === impl Upstreams ===

impl Upstreams {
    /// Follows what the configuration and the admin API say; answers the instances by service, and those that are no
    /// longer wanted. Of two with the same id the configuration's is the one.
    pub(super) fn follow(
        &mut self,
        configured: &[Arc<Upstream>],
        asked: &BTreeMap<String, Kept>,
    ) -> (ByService, Vec<Arc<Instance>>) {
        let mut wanted: BTreeMap<&str, &Arc<Upstream>> =
            asked.iter().map(|(id, kept)| (id.as_str(), &kept.upstream)).collect();
        wanted.extend(configured.iter().map(|upstream| (upstream.id.as_str(), upstream)));
        let mut before = std::mem::take(&mut self.live);
        let mut by_service = ByService::new();
        self.failed.retain(|id, _| wanted.contains_key(id.as_str()));
        for (id, upstream) in wanted {
            let is_kept = before.get(id).is_some_and(|live| live.upstream == *upstream);
            let live = if is_kept { before.remove(id) } else { self.make(id, upstream) };
            let Some(live) = live else { continue };
            by_service.entry(upstream.name.clone()).or_default().push(Arc::clone(&live.instance));
            self.live.insert(id.to_owned(), live);
        }
        let gone = before.into_values().map(|live| live.instance).collect();
        (by_service, gone)
    }

    /// One that cannot be called is told once, and tried again with the next change.
    fn make(&mut self, id: &str, upstream: &Arc<Upstream>) -> Option<Live> {
        match Instance::of_upstream(Arc::clone(upstream)) {
            Ok(instance) => {
                self.failed.remove(id);
                tracing::info!(id, service = %upstream.name, origin = %upstream.origin, "live");
                Some(Live { upstream: Arc::clone(upstream), instance })
            }
            Err(error) => {
                let error = error.to_string();
                if self.failed.get(id) != Some(&error) {
                    tracing::error!(id, error, "an upstream cannot be called");
                    self.failed.insert(id.to_owned(), error);
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use switchyard_core::{
        timestamp::Timestamp,
        upstream::{Registration, Source},
    };

    use super::*;

    fn upstream(name: &str, port: u16, weight: u32, source: Source) -> Arc<Upstream> {
        let registration =
            Registration { weight: Some(weight), ..Registration::of(name.parse().unwrap(), format!("h:{port}")) };
        Arc::new(registration.check(source).unwrap())
    }

    fn asked(upstreams: &[Arc<Upstream>]) -> BTreeMap<String, Kept> {
        let kept = |upstream: &Arc<Upstream>| Kept { upstream: Arc::clone(upstream), registered_at: Timestamp(0) };
        upstreams.iter().map(|upstream| (upstream.id.clone(), kept(upstream))).collect()
    }

    fn ids(instances: &[Arc<Instance>]) -> Vec<&str> {
        instances.iter().map(|instance| instance.id()).collect()
    }

    #[test]
    fn an_instance_lives_on_while_what_is_said_of_it_stays_the_same() {
        let mut upstreams = Upstreams::default();
        let (a, b) = (upstream("a", 1, 1, Source::Config), upstream("b", 2, 1, Source::Api));
        let (first, gone) = upstreams.follow(&[Arc::clone(&a)], &asked(&[b]));
        assert_eq!((first.len(), gone.len()), (2, 0));
        let names = ["a", "b"].map(|name| name.parse::<ServiceName>().unwrap());

        let b = upstream("b", 2, 7, Source::Api);
        let (second, gone) = upstreams.follow(&[a], &asked(&[b]));
        assert!(Arc::ptr_eq(&first[&names[0]][0], &second[&names[0]][0]));
        assert!(!Arc::ptr_eq(&first[&names[1]][0], &second[&names[1]][0]));
        assert!(Arc::ptr_eq(&gone[0], &first[&names[1]][0]) && gone.len() == 1);
        assert_eq!(second[&names[1]][0].weight(), 7);

        let (third, gone) = upstreams.follow(&[], &BTreeMap::new());
        assert!(third.is_empty());
        assert_eq!(ids(&gone), ["a-h-1", "b-h-2"]);
    }

    #[test]
    fn of_two_with_the_same_id_it_is_the_configurations() {
        let mut upstreams = Upstreams::default();
        let (own, other) = (upstream("a", 1, 5, Source::Config), upstream("a", 1, 9, Source::Api));
        let (live, _) = upstreams.follow(&[own], &asked(&[other]));
        assert_eq!(live[&"a".parse::<ServiceName>().unwrap()][0].weight(), 5);
    }
}
