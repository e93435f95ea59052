//! How services are called: `[retry]` and `[balancer]` together.

use std::collections::BTreeSet;

use switchyard_core::{health, name::ServiceName};
use switchyard_dispatch::{CallPolicy, CallSettings};

use super::{
    balancer::{Balancer, Balancers},
    retry::{Retries, Retry},
};

/// What the dispatcher goes by.
pub(super) fn policy(retries: &Retries, balancers: &Balancers, health: &health::Config) -> CallPolicy {
    let settings = |retry: &Retry, balancer: &Balancer| CallSettings {
        balancer: balancer.config,
        hash_header: balancer.hash_header.clone(),
        retry: retry.policy.clone(),
        budget: retry.budget,
        health_period: health.period,
    };
    let named: BTreeSet<&ServiceName> = retries.services.keys().chain(balancers.services.keys()).collect();
    let of_service = |name: &ServiceName| {
        let retry = retries.services.get(name).unwrap_or(&retries.default);
        (name.clone(), settings(retry, balancers.services.get(name).unwrap_or(&balancers.default)))
    };
    CallPolicy {
        default: settings(&retries.default, &balancers.default),
        services: named.into_iter().map(of_service).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use switchyard_core::balance::Kind;

    use crate::config::{Config, Overrides};

    #[test]
    fn what_a_service_does_not_say_is_what_all_say() {
        let text = "[retry]\nattempts = 5\n[balancer]\nkind = 'random'\n[services.a]\nretry = { attempts = 1 }\n\
                    [services.b]\nbalancer = { kind = 'p2c-ewma' }\n[services.c]";
        let config = Config::of_text(Path::new("switchyard.toml"), text, &Overrides::default()).expect("it is right");
        let policy = config.call_policy();
        let shown: Vec<_> = policy
            .services
            .iter()
            .map(|(name, settings)| (name.as_str(), settings.retry.attempts, settings.balancer.kind))
            .collect();
        assert_eq!(shown, [("a", 1, Kind::Random), ("b", 5, Kind::P2cEwma)]);
        assert_eq!((policy.default.retry.attempts, policy.default.balancer.kind), (5, Kind::Random));
    }
}
