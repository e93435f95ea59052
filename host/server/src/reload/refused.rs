//! What plugins ask for and do not get, since somebody else holds it.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::Serialize;
use switchyard_core::{claims, name::ServiceName, route};
use switchyard_dispatch::RouteTarget;

use super::stem::Stem;

/// What one plugin does not get.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refusals {
    pub(crate) refused_routes: Vec<RefusedRoute>,
    pub(crate) refused_commands: Vec<RefusedName>,
    pub(crate) refused_sagas: Vec<RefusedName>,
}

/// A route that a plugin asks for and does not get.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RefusedRoute {
    pub(crate) path: String,
    pub(crate) methods: Vec<String>,
    pub(crate) host: Option<String>,
    /// Who holds it, and what helps.
    pub(crate) error: String,
}

/// A command or a saga definition that a plugin asks for and does not get.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct RefusedName {
    pub(crate) name: String,
    /// Who holds it, and what helps.
    pub(crate) error: String,
}

/// Notes on each stem what it does not get, and says so in the log when that is new. Names are refused to services;
/// `stems_of` says under which stem each of them is live.
pub(super) fn note(
    stems: &mut BTreeMap<String, Stem>,
    routes: Vec<route::Refused<RouteTarget>>,
    names: &[claims::Refused],
    stems_of: &HashMap<ServiceName, String>,
) {
    let mut by_stem: HashMap<String, Refusals> = HashMap::new();
    for refused in routes {
        let route = RefusedRoute::of(&refused);
        by_stem.entry(refused.rule.origin.owner).or_default().refused_routes.push(route);
    }
    for refused in names {
        let Some(stem) = stems_of.get(&refused.asked_by) else { continue };
        let refusals = by_stem.entry(stem.clone()).or_default();
        let name = RefusedName { name: refused.claim.name.clone(), error: refused.to_string() };
        match refused.claim.kind {
            claims::Kind::Command => refusals.refused_commands.push(name),
            claims::Kind::Saga => refusals.refused_sagas.push(name),
        }
    }
    for (name, stem) in stems {
        let now = by_stem.remove(name).unwrap_or_default();
        let before: Vec<&str> = stem.refused.errors().collect();
        for error in now.errors().filter(|error| !before.contains(error)) {
            tracing::warn!(plugin = name, error, "a route or name that it asks for is refused");
        }
        stem.refused = now;
    }
}

// === impl Refusals ===

impl Refusals {
    fn errors(&self) -> impl Iterator<Item = &str> {
        let names = self.refused_commands.iter().chain(&self.refused_sagas).map(|name| name.error.as_str());
        self.refused_routes.iter().map(|route| route.error.as_str()).chain(names)
    }
}

// === impl RefusedRoute ===

impl RefusedRoute {
    fn of(refused: &route::Refused<RouteTarget>) -> Self {
        Self {
            path: refused.rule.pattern.to_string(),
            methods: refused.rule.methods.clone(),
            host: refused.rule.host.clone(),
            error: refused.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use switchyard_core::claims::{Claim, Kind, Refused};

    use super::*;

    #[test]
    fn names_are_noted_on_the_stem_of_the_service_that_asked() {
        let mut stems: BTreeMap<_, _> =
            ["shop", "other"].into_iter().map(|name| (name.to_owned(), Stem::default())).collect();
        let refused = |kind| Refused {
            claim: Claim { kind, name: "pay".to_owned() },
            asked_by: "store".parse().unwrap(),
            held_by: "bank".parse().unwrap(),
        };
        let names = [refused(Kind::Command), refused(Kind::Saga)];
        let stems_of = HashMap::from([("store".parse().unwrap(), "shop".to_owned())]);
        note(&mut stems, Vec::new(), &names, &stems_of);
        let shown = serde_json::to_value(&stems["shop"].refused).unwrap();
        assert_eq!(shown["refusedCommands"][0]["name"], "pay");
        assert!(shown["refusedSagas"][0]["error"].as_str().unwrap().contains("held by the service bank"), "{shown}");
        assert_eq!(stems["other"].refused, Refusals::default());
        note(&mut stems, Vec::new(), &[], &stems_of);
        assert_eq!(stems["shop"].refused, Refusals::default());
    }
}
