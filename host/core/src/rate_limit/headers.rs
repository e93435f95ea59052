//! What clients are told: the fields of the IETF draft on RateLimit header fields, in the syntax since its ninth
//! version, which is that of structured fields (RFC 9651).

use std::time::Duration;

use super::{Quota, Verdict};

/// The value of `RateLimit-Policy` for a quota: `"default";q=100;w=60`. `name` is of letters, digits and `-`.
#[must_use]
pub fn policy_value(name: &str, quota: &Quota) -> String {
    format!("\"{name}\";q={};w={}", quota.requests, seconds(quota.window).max(1))
}

/// The value of `RateLimit` after a verdict: `"default";r=99;t=1`. `t` is when all of the quota is there again; when the
/// next request may pass is said by `Retry-After`, which has precedence. Seconds are rounded up.
#[must_use]
pub fn value(name: &str, verdict: Verdict) -> String {
    format!("\"{name}\";r={};t={}", verdict.remaining(), seconds(verdict.reset()))
}

/// The value of `Retry-After`: rounded up, so that who waits as long as it says has waited long enough.
#[must_use]
pub fn retry_after_seconds(retry_after: Duration) -> u64 {
    seconds(retry_after).max(1)
}

fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
