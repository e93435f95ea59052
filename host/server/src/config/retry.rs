//! `[retry]`, and `retry` of `[services.NAME]` and of routes: what is said nearer wins, member by member.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use switchyard_core::{
    name::ServiceName,
    retry::{BudgetConfig, Policy},
    units::HumanDuration,
};

use super::{
    check::{Wrong, wrong},
    place::Text,
    spanned::Spanned,
};
use crate::routes::DraftRetry;

/// The most percent of all calls that may be repeated: ten times as many.
const BUDGET_PERCENT_MAX: u32 = 1_000;

/// `retry` of a route.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "RouteRetry")]
pub(super) struct RawRetry {
    /// Of a call, in all; 1 repeats nothing.
    #[schemars(range(min = 1, max = 10))]
    attempts: Option<u32>,
    /// The longest pause before the first repetition; it doubles with each.
    base: Option<HumanDuration>,
    /// The longest pause of all.
    max: Option<HumanDuration>,
    /// Whether also calls that are not idempotent, although they may have been done.
    all_methods: Option<bool>,
}

/// `[retry]`, and `retry` of a service.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Retry")]
pub(super) struct Raw {
    /// Of a call, in all; 1 repeats nothing.
    #[schemars(range(min = 1, max = 10), extend("default" = 3))]
    attempts: Option<u32>,
    /// The longest pause before the first repetition; it doubles with each.
    #[schemars(extend("default" = "25ms"))]
    base: Option<HumanDuration>,
    /// The longest pause of all.
    #[schemars(extend("default" = "1s"))]
    max: Option<HumanDuration>,
    /// Whether also calls that are not idempotent, although they may have been done.
    #[schemars(extend("default" = false))]
    all_methods: Option<bool>,
    /// How many calls of a service may be repeated.
    budget: Option<RawBudget>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "RetryBudget")]
struct RawBudget {
    /// Of a hundred calls within ten seconds, so many.
    #[schemars(range(max = BUDGET_PERCENT_MAX), extend("default" = 20))]
    percent: Option<Spanned<u32>>,
    /// And so many a second in any case.
    #[schemars(extend("default" = 3))]
    min_per_second: Option<u32>,
}

/// What calls of a service may repeat.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Retry {
    pub(crate) policy: Policy,
    pub(crate) budget: BudgetConfig,
}

/// What holds for all services, and for some.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Retries {
    pub(crate) default: Retry,
    pub(crate) services: BTreeMap<ServiceName, Retry>,
}

/// Checks all of them.
pub(super) fn retries(default: Raw, services: BTreeMap<ServiceName, Raw>, text: Text<'_>) -> Result<Retries, Wrong> {
    let default = default.over(&Retry::default(), &["retry"], text)?;
    let of_service = |(name, raw): (ServiceName, Raw)| {
        let retry = raw.over(&default, &["services", name.as_str(), "retry"], text)?;
        Ok((name, retry))
    };
    let services = services.into_iter().map(of_service).collect::<Result<_, _>>()?;
    Ok(Retries { default, services })
}

// === impl Raw ===

impl Raw {
    fn over(self, base: &Retry, at: &[&str], text: Text<'_>) -> Result<Retry, Wrong> {
        let Self { attempts, base: first, max, all_methods, budget } = self;
        let draft = DraftRetry { attempts, base: first, max, all_methods };
        let policy = draft.over(&base.policy, &[]).map_err(|invalid| text.wrong(at, invalid))?;
        Ok(Retry { policy, budget: budget.map_or(Ok(base.budget), |raw| raw.over(base.budget))? })
    }
}

// === impl RawBudget ===

impl RawBudget {
    fn over(self, base: BudgetConfig) -> Result<BudgetConfig, Wrong> {
        if let Some(percent) = self.percent.as_ref().filter(|percent| *percent.as_ref() > BUDGET_PERCENT_MAX) {
            return wrong(percent, format!("of a hundred calls, at most {BUDGET_PERCENT_MAX} are repeated"));
        }
        Ok(BudgetConfig {
            percent: self.percent.map_or(base.percent, Spanned::into_inner),
            min_per_second: self.min_per_second.unwrap_or(base.min_per_second),
        })
    }
}

// === impl DraftRetry ===

impl From<RawRetry> for DraftRetry {
    fn from(raw: RawRetry) -> Self {
        Self { attempts: raw.attempts, base: raw.base, max: raw.max, all_methods: raw.all_methods }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::tests::{self, check};

    fn parse(text: &str) -> Result<Retries, String> {
        tests::parse(text).map(|config| config.retries)
    }

    #[test]
    fn a_wrong_member_names_line_and_remedy() {
        check("[retries]", ":1: unknown member 'retries'; did you mean 'retry'?");
        check("[retry]\nattempt = 1", ":2: unknown member 'attempt'; did you mean 'attempts'?");
        check("[retry]\n\nattempts = 11", ":3: attempts are from 1, which repeats nothing, to 10");
        check("[retry]\nmax = '1ms'", ":2: base is 25ms and max 1ms; raise max, or lower base");
        check("[retry]\nbudget = { percent = 1001 }", ":2: of a hundred calls, at most 1000 are repeated");
        check("[services.a]\nretry = { base = '0s' }", ":2: the duration must be at least 1ms");
        check("[services.a.retry]\nbudgt = 1", ":2: unknown member 'budgt'; did you mean 'budget'?");
    }

    #[test]
    fn a_service_wins_member_by_member() {
        let text = "[retry]\nattempts = 2\nbudget = { percent = 50 }\n[services.a]\nretry = { max = '2s', budget = { \
                    min-per-second = 9 } }\n[services.b]";
        let retries = parse(text).expect("it is right");
        let policy = Policy { attempts: 2, ..Policy::default() };
        let budget = BudgetConfig { percent: 50, ..BudgetConfig::default() };
        assert_eq!(retries.default, Retry { policy: policy.clone(), budget });
        let own = Retry {
            policy: Policy { max: Duration::from_secs(2), ..policy },
            budget: BudgetConfig { percent: 50, min_per_second: 9 },
        };
        assert_eq!(retries.services, BTreeMap::from([("a".parse().expect("a name"), own)]));
        assert_eq!(parse(""), Ok(Retries::default()));
    }
}
