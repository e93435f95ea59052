//! `switchyard:plugin/registry`: which services there are.

use switchyard_core::health::Status;

use super::platform::{
    check_name,
    registry::{self as wit, Host},
};
use crate::{ports::Registered, settings::LISTED_MAX, state::GuestState};

/// The most tags that are looked at; no instance has as many.
const TAGS_MAX: usize = 1_000;

impl Host for GuestState {
    async fn discover(&mut self, name: Option<String>, tags: Vec<String>) -> Vec<wit::Instance> {
        let is_any = name.iter().chain(&tags).all(|text| check_name("name", text).is_ok());
        if !is_any || tags.len() > TAGS_MAX {
            return Vec::new();
        }
        listed(self.shared.ports.registry.discover(name.as_deref(), &tags))
    }

    async fn lookup(&mut self, name: String) -> Vec<wit::Instance> {
        match check_name("name", &name) {
            Ok(()) => listed(self.shared.ports.registry.lookup(&name)),
            Err(_) => Vec::new(),
        }
    }
}

fn listed(found: Vec<Registered>) -> Vec<wit::Instance> {
    found.into_iter().take(LISTED_MAX).map(instance).collect()
}

fn instance(found: Registered) -> wit::Instance {
    wit::Instance {
        id: found.id,
        name: found.name,
        address: found.address,
        port: found.port,
        version: found.version,
        tags: found.tags,
        metadata: found.metadata.into_iter().collect(),
        status: match found.status {
            Status::Starting => wit::Status::Starting,
            Status::Healthy => wit::Status::Healthy,
            Status::Degraded => wit::Status::Degraded,
            Status::Checking => wit::Status::Checking,
            Status::Unhealthy => wit::Status::Unhealthy,
            Status::ShuttingDown => wit::Status::ShuttingDown,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        settings::NAME_BYTES_MAX,
        testing::{Recorder, guest},
    };

    #[tokio::test]
    async fn what_the_registry_knows_reaches_the_guest_within_limits() {
        let recorder: Arc<Recorder> = Arc::default();
        let mut store = guest(&recorder);
        let state = store.data_mut();
        let found = state.discover(None, vec!["eu".to_owned()]).await;
        let [instance] = found.as_slice() else { panic!("one instance: {found:?}") };
        assert_eq!((instance.id.as_str(), instance.name.as_str(), instance.port), ("users-1", "users", 80));
        assert_eq!((instance.address.as_str(), instance.version.as_str()), ("users.internal", "1.2.0"));
        assert_eq!(instance.metadata, [("zone".to_owned(), "a".to_owned())]);
        assert!(matches!(instance.status, wit::Status::Healthy));
        assert_eq!(state.lookup("many".to_owned()).await.len(), LISTED_MAX);
        let long = "a".repeat(NAME_BYTES_MAX + 1);
        assert!(state.lookup(long.clone()).await.is_empty());
        assert!(state.discover(Some(long.clone()), Vec::new()).await.is_empty());
        assert!(state.discover(None, vec![long]).await.is_empty());
        assert!(state.discover(None, vec!["eu".to_owned(); TAGS_MAX + 1]).await.is_empty());
        assert_eq!(*recorder.asked.lock().unwrap(), [r#"discover None with ["eu"]"#, "lookup many"]);
    }
}
