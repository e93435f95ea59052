//! `[health]`: how services, upstreams and dependencies are checked.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use switchyard_core::{
    health::{Config, PERIOD_MAX, PERIOD_MIN, Thresholds},
    units::HumanDuration,
};

use super::{
    check::{Wrong, duration, number, wrong},
    spanned::Spanned,
};

/// `[health]`, as it is written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(rename = "Health")]
pub(super) struct Raw {
    /// Between two checks of one thing; 100ms to 1h.
    #[schemars(extend("default" = "10s"))]
    period: Option<Spanned<HumanDuration>>,
    /// Of a check.
    #[schemars(extend("default" = "5s"))]
    timeout: Option<Spanned<HumanDuration>>,
    /// Failures in a row that make something unhealthy.
    #[schemars(range(min = 1), extend("default" = 3))]
    unhealthy: Option<Spanned<u32>>,
    /// Successes in a row that make it healthy again.
    #[schemars(range(min = 1), extend("default" = 2))]
    healthy: Option<Spanned<u32>>,
}

/// Checks the table.
pub(super) fn config(raw: Raw) -> Result<Config, Wrong> {
    let defaults = Config::default();
    Ok(Config {
        period: period(raw.period)?.unwrap_or(defaults.period),
        timeout: duration(raw.timeout)?.unwrap_or(defaults.timeout),
        thresholds: Thresholds {
            unhealthy: number(raw.unhealthy)?.unwrap_or(defaults.thresholds.unhealthy),
            healthy: number(raw.healthy)?.unwrap_or(defaults.thresholds.healthy),
        },
    })
}

fn period(raw: Option<Spanned<HumanDuration>>) -> Result<Option<Duration>, Wrong> {
    match &raw {
        Some(period) if !(PERIOD_MIN..=PERIOD_MAX).contains(&period.as_ref().0) => {
            let (least, most) = (HumanDuration(PERIOD_MIN), HumanDuration(PERIOD_MAX));
            wrong(period, format!("the time between two checks is from {least} to {most}"))
        }
        _ => duration(raw),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{self, check};

    fn parse(text: &str) -> Result<Config, String> {
        tests::parse(text).map(|config| config.health)
    }

    #[test]
    fn a_wrong_member_names_line_and_remedy() {
        check("[helth]", ":1: unknown member 'helth'; did you mean 'health'?");
        check("[health]\nperiods = '1s'", ":2: unknown member 'periods'; did you mean 'period'?");
        check("[health]\nperiod = '99ms'", ":2: the time between two checks is from 100ms to 1h");
        check("[health]\nperiod = '2h'", ":2: the time between two checks is from 100ms to 1h");
        check("[health]\ntimeout = '0s'", ":2: the duration must be at least 1ms");
        check("[health]\n\nunhealthy = 0", ":3: the number must be at least 1");
        check("[health]\nhealthy = 'two'", ":2: invalid type: string \"two\"");
    }

    #[test]
    fn what_is_said_holds() {
        let text = "[health]\nperiod = '1s'\ntimeout = '500ms'\nunhealthy = 2\nhealthy = 1";
        let expected = Config {
            period: Duration::from_secs(1),
            timeout: Duration::from_millis(500),
            thresholds: Thresholds { unhealthy: 2, healthy: 1 },
        };
        assert_eq!(parse(text), Ok(expected));
        assert_eq!(parse(""), Ok(Config::default()));
    }
}
