//! `[breaker]`, and `breaker` of `[services.NAME]`: what a service says wins, member by member.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use switchyard_core::{
    breaker::{Config, OPEN_LONGEST, Slow},
    name::ServiceName,
    units::HumanDuration,
};
use switchyard_dispatch::{BreakerMode, BreakerPolicy, BreakerSettings};

use super::{
    check::{Wrong, duration, number, wrong},
    spanned::Spanned,
};

/// `[breaker]`, as it is written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(rename = "Breaker")]
pub(super) struct Raw {
    /// Whether it refuses calls, or only says when it would.
    #[schemars(extend("default" = "enforce"))]
    mode: Option<BreakerMode>,
    /// Failures in a row that open it.
    #[schemars(range(min = 1), extend("default" = 5))]
    consecutive_failures: Option<Spanned<u32>>,
    /// So many of a hundred calls open it,
    #[schemars(range(min = 1, max = 100), extend("default" = 50))]
    failure_percent: Option<Spanned<u32>>,
    /// of at least so many within ten seconds.
    #[schemars(range(min = 1), extend("default" = 20))]
    calls_min: Option<Spanned<u32>>,
    /// How long it is open the first time; twice as long each time that a probe fails,
    #[schemars(extend("default" = "5s"))]
    open: Option<Spanned<HumanDuration>>,
    /// up to this; at most 1d.
    #[schemars(extend("default" = "60s"))]
    open_max: Option<Spanned<HumanDuration>>,
    /// Calls that are let through at once when its time open is over.
    #[schemars(range(min = 1), extend("default" = 3))]
    probes: Option<Spanned<u32>>,
    /// Probes that have to succeed to close it.
    #[schemars(range(min = 1), extend("default" = 3))]
    successes: Option<Spanned<u32>>,
    /// Opens it, too, when so many calls take so long.
    slow: Option<RawSlow>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "BreakerSlow")]
struct RawSlow {
    /// What counts as slow.
    after: Spanned<HumanDuration>,
    /// So many of a hundred calls.
    #[schemars(range(min = 1, max = 100), extend("default" = 50))]
    percent: Option<Spanned<u32>>,
}

/// Checks all of them.
pub(super) fn policy(default: Raw, services: BTreeMap<ServiceName, Raw>) -> Result<BreakerPolicy, Wrong> {
    let default = settings(default, BreakerSettings::default())?;
    let of_service = |(name, raw)| Ok((name, settings(raw, default)?));
    Ok(BreakerPolicy { default, services: services.into_iter().map(of_service).collect::<Result<_, _>>()? })
}

fn settings(raw: Raw, base: BreakerSettings) -> Result<BreakerSettings, Wrong> {
    let Config { open, open_max, .. } = base.config;
    let span = raw.open.clone().or_else(|| raw.open_max.clone());
    let config = Config {
        consecutive_failures: number(raw.consecutive_failures)?.unwrap_or(base.config.consecutive_failures),
        failure_percent: percent(raw.failure_percent)?.unwrap_or(base.config.failure_percent),
        calls_min: number(raw.calls_min)?.unwrap_or(base.config.calls_min),
        open: time_open(raw.open)?.unwrap_or(open),
        open_max: time_open(raw.open_max)?.unwrap_or(open_max),
        probes: number(raw.probes)?.unwrap_or(base.config.probes),
        successes: number(raw.successes)?.unwrap_or(base.config.successes),
        slow: raw.slow.map(slow).transpose()?.or(base.config.slow),
    };
    match span {
        Some(span) if config.open > config.open_max => {
            let (open, open_max) = (HumanDuration(config.open), HumanDuration(config.open_max));
            wrong(&span, format!("open is {open} and open-max {open_max}; raise open-max, or lower open"))
        }
        _ => Ok(BreakerSettings { config, mode: raw.mode.unwrap_or(base.mode) }),
    }
}

fn slow(raw: RawSlow) -> Result<Slow, Wrong> {
    let after = duration(Some(raw.after))?.unwrap_or_default();
    Ok(Slow { after, percent: percent(raw.percent)?.unwrap_or(50) })
}

fn percent(raw: Option<Spanned<u32>>) -> Result<Option<u32>, Wrong> {
    match &raw {
        Some(percent) if !(1..=100).contains(percent.as_ref()) => {
            wrong(percent, "a percentage is a number from 1 to 100".to_owned())
        }
        _ => number(raw),
    }
}

fn time_open(raw: Option<Spanned<HumanDuration>>) -> Result<Option<std::time::Duration>, Wrong> {
    match &raw {
        Some(time) if time.as_ref().0 > OPEN_LONGEST => {
            wrong(time, format!("a breaker stays open for {} at most", HumanDuration(OPEN_LONGEST)))
        }
        _ => duration(raw),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::tests::{self, check};

    fn parse(text: &str) -> Result<BreakerPolicy, String> {
        tests::parse(text).map(|config| config.breakers)
    }

    #[test]
    fn a_wrong_member_names_line_and_remedy() {
        check("[breakers]", ":1: unknown member 'breakers'; did you mean 'breaker'?");
        check("[breaker]\nprobe = 1", ":2: unknown member 'probe'; did you mean 'probes'?");
        check("[breaker]\nmode = 'of'", ":2: unknown value 'of'; here are known: enforce, measure");
        check("[breaker]\nprobes = 0", ":2: the number must be at least 1");
        check("[breaker]\nfailure-percent = 101", ":2: a percentage is a number from 1 to 100");
        check("[breaker]\nopen = 5", ":2: invalid type: integer `5`");
        check("[breaker]\nopen = '0s'", ":2: the duration must be at least 1ms");
        check("[breaker]\nopen-max = '25h'", ":2: a breaker stays open for 1d at most");
        check("[breaker]\n\nopen = '2m'", ":3: open is 2m and open-max 1m; raise open-max");
        check("[breaker]\nopen-max = '1s'", ":2: open is 5s and open-max 1s");
        check("[breaker]\nslow = { percent = 5 }", ":2: missing field `after`");
        check("[breaker]\nslow = { after = '1s', percent = 0 }", ":2: a percentage is a number from 1 to 100");
        check("[services.a]\nbreaker = { open = '2m' }", ":2: open is 2m and open-max 1m");
        check("[services.a.breaker]\nsucceses = 1", ":2: unknown member 'succeses'; did you mean 'successes'?");
        check("[services.a]\nbreaker = false", ":2: invalid type: boolean `false`");
    }

    #[test]
    fn nothing_said_is_the_default() {
        assert_eq!(parse(""), Ok(BreakerPolicy::default()));
        assert_eq!(parse("[breaker]\n[services.a]\ndeadline = '1s'"), Ok(BreakerPolicy::default()));
    }

    #[test]
    fn a_service_wins_member_by_member() {
        let policy = parse(
            "[breaker]\nmode = 'measure'\nconsecutive-failures = 7\nfailure-percent = 20\ncalls-min = 9\nopen = '2s'
             open-max = '4s'\nprobes = 1\nsuccesses = 2\nslow = { after = '3s' }
             [services.a]\nbreaker = { mode = 'enforce', open = '1s', slow = { after = '1s', percent = 9 } }",
        )
        .expect("it is right");
        let config = Config {
            consecutive_failures: 7,
            failure_percent: 20,
            calls_min: 9,
            open: Duration::from_secs(2),
            open_max: Duration::from_secs(4),
            probes: 1,
            successes: 2,
            slow: Some(Slow { after: Duration::from_secs(3), percent: 50 }),
        };
        let [a, b] = ["a", "b"].map(|name| policy.of(&name.parse().expect("a name")));
        assert_eq!(b, BreakerSettings { config, mode: BreakerMode::Measure });
        let slow = Some(Slow { after: Duration::from_secs(1), percent: 9 });
        let config = Config { open: Duration::from_secs(1), slow, ..config };
        assert_eq!(a, BreakerSettings { config, mode: BreakerMode::Enforce });
    }
}
