//! `[balancer]`, and `balancer` of `[services.NAME]`: what a service says wins, member by member.

use std::{collections::BTreeMap, time::Duration};

use http::HeaderName;
use schemars::JsonSchema;
use serde::Deserialize;
use switchyard_core::{
    balance::{Config, Kind},
    name::ServiceName,
    units::HumanDuration,
};

use super::{
    check::{Wrong, wrong},
    spanned::Spanned,
};

/// The longest slow start.
const SLOW_START_MAX: Duration = Duration::from_secs(3_600);

/// `[balancer]`, as it is written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Balancer")]
pub(super) struct Raw {
    /// How an instance is chosen.
    #[schemars(extend("default" = "round-robin"))]
    kind: Option<Kind>,
    /// How long the share of one that has become healthy grows; at most 1h.
    #[schemars(extend("default" = "0s"))]
    slow_start: Option<Spanned<HumanDuration>>,
    /// With `consistent-hash`: the header whose value leads to the same instance again; the client's address when
    /// nothing is said.
    hash_header: Option<Spanned<String>>,
}

/// How the instances of a service are balanced.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Balancer {
    pub(crate) config: Config,
    /// The header whose value leads to the same instance again; none means the client's address.
    pub(crate) hash_header: Option<HeaderName>,
}

/// What holds for all services, and for some.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Balancers {
    pub(crate) default: Balancer,
    pub(crate) services: BTreeMap<ServiceName, Balancer>,
}

/// Checks all of them.
pub(super) fn balancers(default: Raw, services: BTreeMap<ServiceName, Raw>) -> Result<Balancers, Wrong> {
    let default = default.over(&Balancer::default())?;
    let of_service = |(name, raw): (ServiceName, Raw)| Ok((name, raw.over(&default)?));
    let services = services.into_iter().map(of_service).collect::<Result<_, _>>()?;
    Ok(Balancers { default, services })
}

// === impl Raw ===

impl Raw {
    fn over(self, base: &Balancer) -> Result<Balancer, Wrong> {
        let kind = self.kind.unwrap_or(base.config.kind);
        if let Some(time) = self.slow_start.as_ref().filter(|time| time.as_ref().0 > SLOW_START_MAX) {
            return wrong(time, format!("a slow start takes {} at most", HumanDuration(SLOW_START_MAX)));
        }
        let slow_start = self.slow_start.map_or(base.config.slow_start, |time| time.as_ref().0);
        let hash_header = match self.hash_header {
            // What another says for all services may be of no use to one of them; what it says itself has to be.
            None => base.hash_header.clone(),
            Some(name) if kind != Kind::ConsistentHash => {
                return wrong(
                    &name,
                    "this has an effect with kind = \"consistent-hash\" only; say that too".to_owned(),
                );
            }
            Some(name) => match name.as_ref().parse::<HeaderName>() {
                Ok(header) => Some(header),
                Err(_) => return wrong(&name, format!("'{}' is no name of a header", name.as_ref())),
            },
        };
        Ok(Balancer { config: Config { kind, slow_start }, hash_header })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{self, check};

    fn parse(text: &str) -> Result<Balancers, String> {
        tests::parse(text).map(|config| config.balancers)
    }

    #[test]
    fn a_wrong_member_names_line_and_remedy() {
        check("[balancr]", ":1: unknown member 'balancr'; did you mean 'balancer'?");
        check("[balancer]\nkind = 'randm'", ":2: unknown value 'randm'; did you mean 'random'?");
        check("[balancer]\nslow-start = '2h'", ":2: a slow start takes 1h at most");
        check("[balancer]\nhash-header = 'x-user'", ":2: this has an effect with kind = \"consistent-hash\" only");
        check("[balancer]\nkind = 'consistent-hash'\nhash-header = 'x y'", ":3: 'x y' is no name of a header");
        check("[services.a]\nbalancer = 'random'", ":2: invalid type: string \"random\"");
    }

    #[test]
    fn a_service_wins_member_by_member() {
        let text = "[balancer]\nslow-start = '5s'\n[services.a]\nbalancer = { kind = 'consistent-hash', hash-header = \
                    'X-User' }\n[services.b]\nbalancer = { kind = 'p2c-ewma', slow-start = '0s' }";
        let balancers = parse(text).expect("it is right");
        let slow_start = Duration::from_secs(5);
        assert_eq!(balancers.default.config, Config { kind: Kind::RoundRobin, slow_start });
        let [a, b] = ["a", "b"].map(|name| balancers.services[&name.parse::<ServiceName>().expect("a name")].clone());
        assert_eq!(a.config, Config { kind: Kind::ConsistentHash, slow_start });
        assert_eq!(a.hash_header, Some(HeaderName::from_static("x-user")));
        assert_eq!(b.config, Config { kind: Kind::P2cEwma, slow_start: Duration::ZERO });
        assert_eq!(parse(""), Ok(Balancers::default()));
    }
}
