//! How operators want the HTTP calls of services to be shared between their versions: durable, by service.
//!
//! What is asked for stays when a version goes, and holds again when it comes back. Until then its share is the main
//! version's, which is there whenever the service is.

use std::{fmt, sync::Arc, time::SystemTime};

use schemars::JsonSchema;
use semver::Version;
use serde::{Deserialize, Serialize};
use switchyard_core::{
    name::ServiceName,
    route::action::{SPLIT_MAX, WEIGHT_MAX},
    timestamp::Timestamp,
};
use switchyard_delivery::Error;
use switchyard_store::Backend;
use tokio::sync::watch;

use crate::durable::{Durable, Items};

/// Where it is kept.
const BUCKET: &str = "$traffic";

/// The most services whose calls are shared.
const SERVICES_MAX: usize = 1_000;

/// Keeps what is asked for.
pub(crate) struct Traffics(Durable<Kept>);

/// What is asked for of a service, as it is written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewTraffic")]
pub(crate) struct Draft {
    /// Empty means that the main version answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = SPLIT_MAX))]
    pub(crate) versions: Vec<Share>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mirror: Option<Copies>,
}

/// The share of one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "VersionShare")]
pub(crate) struct Share {
    pub(crate) version: Version,
    #[schemars(range(max = WEIGHT_MAX))]
    pub(crate) weight: u32,
}

/// Copies of calls that another version answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "VersionMirror")]
pub(crate) struct Copies {
    pub(crate) version: Version,
    /// Of a hundred calls, how many.
    #[serde(default = "all")]
    #[schemars(range(min = 1, max = 100))]
    pub(crate) percent: u8,
}

/// What is kept of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kept {
    pub(crate) traffic: Draft,
    pub(crate) changed_at: Timestamp,
}

fn all() -> u8 {
    100
}

// === impl Traffics ===

impl Traffics {
    /// Reads what is kept.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn open(store: Arc<dyn Backend>) -> anyhow::Result<Self> {
        Durable::open(store, BUCKET).await.map(Self)
    }

    /// Of a store that has none.
    #[cfg(test)]
    pub(crate) fn empty(store: Arc<dyn Backend>) -> Self {
        Self(Durable::empty(store, BUCKET))
    }

    /// What is asked for by service, and each change.
    pub(crate) fn watch(&self) -> watch::Receiver<Items<Kept>> {
        self.0.watch()
    }

    /// What is asked for of a service.
    pub(crate) fn of(&self, service: &str) -> Option<Kept> {
        self.0.items().get(service).cloned()
    }

    /// Keeps what is asked for of a service that has these versions; answers the version of what is kept that has it.
    ///
    /// # Errors
    /// When it does not hold, names a version that is not there, there is too much, or the store cannot take it.
    pub(crate) async fn set(&self, service: &ServiceName, draft: Draft, there: &[Version]) -> Result<u64, Error> {
        draft.check()?;
        if there.is_empty() {
            let text = format!("no plugin of this host answers for the service {service}, so it has no versions here");
            return Err(Error::Conflict(text));
        }
        if let Some(missing) = draft.versions().find(|version| !there.contains(version)) {
            let there = there.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            return Err(Error::Conflict(format!(
                "the service {service} has no version {missing}; there are: {there}. Put {service}@{missing}.wasm into the \
                 plugins folder first"
            )));
        }
        let changing = self.0.change().await;
        let items = changing.items();
        if items.len() >= SERVICES_MAX && !items.contains_key(service.as_str()) {
            let text = format!("the calls of {SERVICES_MAX} services are shared already; clear some");
            return Err(Error::Conflict(text));
        }
        tracing::info!(%service, traffic = %draft, "the calls of a service are shared anew");
        let kept = Kept { traffic: draft, changed_at: SystemTime::now().into() };
        changing.put(service.as_str(), kept).await
    }

    /// Gives all calls back to the main version; answers the version of what is kept, none when nothing was.
    ///
    /// # Errors
    /// When the store cannot do it now.
    pub(crate) async fn clear(&self, service: &str) -> Result<Option<u64>, Error> {
        let changing = self.0.change().await;
        if !changing.items().contains_key(service) {
            return Ok(None);
        }
        tracing::info!(service, "all calls of a service are its main version's again");
        changing.remove(&[service.to_owned()]).await.map(Some)
    }
}

// === impl Kept ===

impl Kept {
    /// Whether calls come to this version.
    pub(crate) fn gives(&self, version: &Version) -> bool {
        self.traffic.versions.iter().any(|share| share.weight > 0 && share.version == *version)
    }
}

// === impl Draft ===

impl Draft {
    /// The versions that it names.
    fn versions(&self) -> impl Iterator<Item = &Version> {
        let of_shares = self.versions.iter().map(|share| &share.version);
        of_shares.chain(self.mirror.iter().map(|copies| &copies.version))
    }

    fn check(&self) -> Result<(), Error> {
        let wrong = |member: &str, text: String| {
            Err(Error::Invalid(format!("the traffic is not as it should be: the member '{member}': {text}")))
        };
        let (shares, mirror) = (&self.versions, &self.mirror);
        if shares.is_empty() && mirror.is_none() {
            return wrong(
                "versions",
                "name versions with their weights, or a mirror; DELETE takes back what was".to_owned(),
            );
        }
        if shares.len() > SPLIT_MAX {
            return wrong("versions", format!("there are at most {SPLIT_MAX} versions"));
        }
        for (place, share) in shares.iter().enumerate() {
            if shares[..place].iter().any(|other| other.version == share.version) {
                let text = format!("{} is there twice; add up its weights", share.version);
                return wrong(&format!("versions.{place}.version"), text);
            }
            if share.weight > WEIGHT_MAX {
                return wrong(&format!("versions.{place}.weight"), format!("a weight is at most {WEIGHT_MAX}"));
            }
        }
        if !shares.is_empty() && shares.iter().all(|share| share.weight == 0) {
            return wrong("versions", "at least one weight is above 0".to_owned());
        }
        match mirror {
            Some(Copies { percent: 0 | 101.., .. }) => {
                wrong("mirror.percent", "a percentage is a number from 1 to 100".to_owned())
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shares = self.versions.iter().map(|share| format!("{} {}", share.version, share.weight));
        let copies = self.mirror.iter().map(|copies| format!("{} % copied to {}", copies.percent, copies.version));
        f.write_str(&shares.chain(copies).collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use switchyard_store::{Embedded, Options};

    use super::*;

    fn draft(members: serde_json::Value) -> Draft {
        serde_json::from_value(members).expect("it can be read")
    }

    fn shares(members: serde_json::Value) -> Draft {
        draft(json!({ "versions": members }))
    }

    #[track_caller]
    fn check(members: serde_json::Value, expected: &str) {
        let error = draft(members).check().expect_err("it is wrong").to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_wrong_member_is_named_with_its_remedy() {
        let one = json!({"version": "1.0.0", "weight": 1});
        check(json!({}), "the member 'versions': name versions with their weights, or a mirror");
        check(json!({"versions": [one, one]}), "the member 'versions.1.version': 1.0.0 is there twice");
        check(
            json!({"versions": [{"version": "1.0.0", "weight": 1_000_001}]}),
            "'versions.0.weight': a weight is at most",
        );
        check(json!({"versions": [{"version": "1.0.0", "weight": 0}]}), "at least one weight is above 0");
        check(json!({"mirror": {"version": "1.0.0", "percent": 101}}), "'mirror.percent': a percentage is a number");
        let many: Vec<_> = (0..17).map(|n| json!({"version": format!("{n}.0.0"), "weight": 1})).collect();
        check(json!({ "versions": many }), "at most 16 versions");
        draft(json!({"mirror": {"version": "1.0.0"}})).check().expect("copies alone are right");
    }

    #[tokio::test]
    async fn what_is_asked_for_is_kept_until_it_is_cleared() {
        let folder = tempfile::tempdir().expect("a folder");
        let open = || Arc::new(Embedded::open(Options::new(folder.path())).expect("a store"));
        let store = open();
        let traffics = Traffics::open(store.clone()).await.expect("it opens");
        let users: ServiceName = "users".parse().expect("a name");
        let there = [Version::new(1, 0, 0), Version::new(2, 0, 0)];
        let new = shares(json!([{"version": "1.0.0", "weight": 9}, {"version": "2.0.0", "weight": 0}]));
        assert_eq!(traffics.set(&users, new.clone(), &there).await.expect("it is right"), 1);
        let gone = traffics.set(&users, shares(json!([{"version": "3.0.0", "weight": 1}])), &there).await;
        let error = gone.expect_err("it is not there");
        assert!(
            matches!(error, Error::Conflict(_)) && error.to_string().contains("there are: 1.0.0, 2.0.0"),
            "{error}"
        );
        store.close().await.expect("it closes");

        let traffics = Traffics::open(open()).await.expect("it opens");
        let kept = traffics.of("users").expect("it is kept");
        assert_eq!(kept.traffic, new);
        assert_eq!(there.each_ref().map(|version| kept.gives(version)), [true, false]);
        assert_eq!(traffics.clear("users").await.expect("it is cleared"), Some(1));
        assert_eq!(traffics.clear("users").await.expect("nothing is there"), None);
    }
}
