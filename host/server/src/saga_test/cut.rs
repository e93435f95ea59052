//! A definition with its times cut short, so that a run takes seconds. What it does stays the same.

use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use switchyard_core::{
    saga::{Definition, definition::DEFAULT_ATTEMPTS, definition::DEFAULT_TIMEOUT},
    units::HumanDuration,
};

/// The delay between attempts.
pub(super) const BACKOFF: Duration = Duration::from_millis(10);

/// How long a timer runs.
pub(super) const TIMER: Duration = Duration::from_millis(20);

/// The most attempts of one command.
pub(super) const ATTEMPTS_MAX: u64 = 3;

/// The definition with these times: time-outs of at most `time_out`, and those of the constants here.
///
/// # Errors
/// Never, of a definition that holds.
pub(super) fn cut(definition: &Definition, time_out: Duration) -> anyhow::Result<Definition> {
    let mut json = serde_json::to_value(definition).context("the definition is no JSON")?;
    for step in json["steps"].as_array_mut().into_iter().flatten() {
        match step.get_mut("parallel").and_then(Value::as_array_mut) {
            Some(members) => members.iter_mut().for_each(|member| cut_step(member, time_out)),
            None => cut_step(step, time_out),
        }
    }
    let cut: Definition = serde_json::from_value(json).context("the definition cannot be cut short")?;
    cut.check().context("the definition does not hold with its times cut short")?;
    Ok(cut)
}

fn cut_step(step: &mut Value, time_out: Duration) {
    if let Some(timer) = step.pointer_mut("/wait/timer") {
        *timer = HumanDuration(TIMER).to_string().into();
    }
    if step.get("command").is_none() {
        return;
    }
    let said = step["timeout"].as_str().and_then(|said| said.parse::<HumanDuration>().ok());
    let said = said.map_or(DEFAULT_TIMEOUT, |said| said.0);
    step["timeout"] = HumanDuration(said.min(time_out)).to_string().into();
    for member in ["retry", "compensationRetry"] {
        let attempts = step[member]["maxAttempts"].as_u64().unwrap_or(DEFAULT_ATTEMPTS.into()).min(ATTEMPTS_MAX);
        step[member] = json!({"maxAttempts": attempts, "backoff": {"linear": HumanDuration(BACKOFF).to_string()}});
    }
}

#[cfg(test)]
mod tests {
    use switchyard_core::saga::definition::{Wait, Work};

    use super::*;

    #[test]
    fn times_are_cut_and_nothing_else() {
        let definition: Definition = serde_json::from_value(json!({"name": "s", "onFailure": "stuck", "steps": [
            {"command": "a", "compensation": "x", "data": {"timeout": 30000}},
            {"parallel": [
                {"command": "b", "irreversible": true, "timeout": "100ms", "retry": {"maxAttempts": 1}},
                {"wait": {"signal": "go", "timeout": "1d"}},
            ]},
            {"wait": {"timer": "5m"}},
            {"command": "c", "pivot": true, "via": "event", "retry": {"maxAttempts": 9, "backoff": {"exponential": "1m"}}},
        ]}))
        .unwrap();
        let short = cut(&definition, Duration::from_millis(400)).unwrap();
        let steps: Vec<_> = [0, 1, 4].into_iter().filter_map(|step| short.command_step(step)).collect();
        let times = steps.iter().map(|step| (step.timeout.as_millis(), step.retry.max_attempts)).collect::<Vec<_>>();
        assert_eq!(times, [(400, 3), (100, 1), (400, 3)]);
        assert!(steps.iter().all(|step| step.retry.backoff.delay(1, 1.0) == BACKOFF));
        assert_eq!(steps[0].compensation_retry.max_attempts, 3);
        assert_eq!(short.steps()[3].work, Work::Wait(Wait::Timer(HumanDuration(TIMER))));
        assert_eq!(short.steps()[2], definition.steps()[2]);
        assert_eq!((short.name(), short.on_failure(), short.pivot()), ("s", definition.on_failure(), Some(4)));
        assert_eq!(
            (&steps[0].data, &steps[2].via),
            (&definition.command_step(0).unwrap().data, &definition.command_step(4).unwrap().via)
        );
    }
}
