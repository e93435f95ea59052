//! The routes of the admin API: durable, each with an id.

use std::{sync::Arc, time::SystemTime};

use serde::{Deserialize, Serialize};
use switchyard_core::{retry, route::action::HeaderMatch, timestamp::Timestamp};
use switchyard_delivery::Error;
use switchyard_gateway::auth::Kind;
use switchyard_store::Backend;
use tokio::sync::watch;
use uuid::Uuid;

use super::{Draft, Route};
use crate::durable::{Durable, Items};

/// Where they are kept.
const BUCKET: &str = "$routes";

/// The most routes that the admin API keeps.
const ROUTES_MAX: usize = 1_000;

/// Keeps the routes.
pub(crate) struct Routes(Durable<Kept>);

/// A route that is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kept {
    /// As it was written: what it says about retries is completed by the configuration of the moment.
    pub(crate) route: Draft,
    pub(crate) created_at: Timestamp,
}

// === impl Routes ===

impl Routes {
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

    /// The routes by id, and each change.
    pub(crate) fn watch(&self) -> watch::Receiver<Items<Kept>> {
        self.0.watch()
    }

    /// Keeps a new route; answers its id, and the version of what is kept that has it.
    ///
    /// # Errors
    /// When it does not hold, another takes the same requests, there are too many, or the store cannot take it.
    pub(crate) async fn add(
        &self,
        draft: Draft,
        retry: &retry::Policy,
        auth: &Kind,
    ) -> Result<(String, Kept, u64), Error> {
        let route = checked(draft.clone(), retry, auth)?;
        let changing = self.0.change().await;
        let items = changing.items();
        if items.len() >= ROUTES_MAX {
            return Err(Error::Conflict(format!("there are {ROUTES_MAX} routes already; remove some")));
        }
        let others = items.iter().filter_map(|(id, kept)| Some((id, kept.route.clone().check(retry).ok()?)));
        if let Some((id, _)) = others.into_iter().find(|(_, other)| takes_the_same(other, &route)) {
            return Err(Error::Conflict(format!("the route {id} takes such requests already; remove it first")));
        }
        let (id, kept) = (Uuid::now_v7().to_string(), Kept { route: draft, created_at: SystemTime::now().into() });
        let version = changing.put(&id, kept.clone()).await?;
        tracing::info!(id, path = kept.route.path, "a route has been added");
        Ok((id, kept, version))
    }

    /// Removes a route; answers the version of what is kept that is without it.
    ///
    /// # Errors
    /// When there is none, or the store cannot do it now.
    pub(crate) async fn remove(&self, id: &str) -> Result<u64, Error> {
        let changing = self.0.change().await;
        if !changing.items().contains_key(id) {
            return Err(Error::NotFound(format!("there is no route {id} of the admin API")));
        }
        let version = changing.remove(&[id.to_owned()]).await?;
        tracing::info!(id, "a route has been removed");
        Ok(version)
    }
}

fn checked(draft: Draft, retry: &retry::Policy, auth: &Kind) -> Result<Route, Error> {
    let checked = draft.check(retry).and_then(|route| route.check_auth(auth).map(|()| route));
    checked.map_err(|invalid| {
        let member = invalid.member.join(".");
        let about = if member.is_empty() { member } else { format!("the member '{member}': ") };
        Error::Invalid(format!("the route is not as it should be: {about}{}", invalid.message))
    })
}

/// Whether the second of two routes would never, or not reliably, get a request that the first takes.
fn takes_the_same(one: &Route, other: &Route) -> bool {
    let host = |route: &Route| route.spec.host.as_ref().map(|host| host.to_ascii_lowercase());
    let headers = |route: &Route| {
        let mut headers: Vec<HeaderMatch> = route.headers.clone();
        headers.sort_by(|a, b| a.name.cmp(&b.name));
        headers
    };
    let (own, others) = (&one.spec.methods, &other.spec.methods);
    let overlap = own.is_empty() || others.is_empty() || own.iter().any(|method| others.contains(method));
    one.spec.path == other.spec.path && overlap && host(one) == host(other) && headers(one) == headers(other)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use switchyard_store::{Embedded, Options};

    use super::*;

    #[tokio::test]
    async fn a_route_is_kept_unless_another_takes_its_requests() {
        let folder = tempfile::tempdir().expect("a folder");
        let open = || Arc::new(Embedded::open(Options::new(folder.path())).expect("a store"));
        let store = open();
        let routes = Routes::open(store.clone()).await.expect("it opens");
        let retry = retry::Policy::default();
        let add = async |members: serde_json::Value| {
            routes
                .add(serde_json::from_value(members).expect("a route"), &retry, &Kind::None)
                .await
                .map(|(id, _, _)| id)
        };
        let first = add(json!({"path": "/a/*", "service": "a", "methods": ["GET"]})).await.expect("it is right");
        for same in [
            json!({"path": "/a/*", "service": "b"}),
            json!({"path": "/a/*", "service": "b", "methods": ["PUT", "GET"]}),
        ] {
            let error = add(same).await.expect_err("it is the same").to_string();
            assert!(error.contains(&format!("the route {first} takes such requests")), "{error}");
        }
        for other in [
            json!({"path": "/a/*", "service": "b", "methods": ["PUT"]}),
            json!({"path": "/a/*", "service": "b", "host": "x"}),
            json!({"path": "/a/*", "service": "b", "headers": {"x-a": true}}),
            json!({"path": "/a/*", "service": "b", "headers": {"x-a": "1"}}),
        ] {
            add(other).await.expect("it is another");
        }
        let wrong = add(json!({"path": "/b", "redirect": {"host": "x", "status": 200}})).await;
        let error = wrong.expect_err("it is wrong").to_string();
        assert!(error.contains("the member 'redirect.status': 200 is none of 301"), "{error}");
        let wrong = add(json!({"path": "/b", "service": "a", "auth": "required"})).await;
        assert!(wrong.expect_err("it is wrong").to_string().contains("the member 'auth': nobody is asked who calls"));
        let wrong = add(json!({"path": "/b"})).await.expect_err("it is wrong").to_string();
        assert!(wrong.contains("should be: a route names a service, a split or a redirect"), "{wrong}");
        store.close().await.expect("it closes");

        let routes = Routes::open(open()).await.expect("it opens");
        assert_eq!(routes.watch().borrow().by_key.len(), 5);
        routes.remove(&first).await.expect("it is there");
        assert!(matches!(routes.remove(&first).await, Err(Error::NotFound(_))));
        assert_eq!(routes.watch().borrow().by_key.len(), 4);
    }
}
