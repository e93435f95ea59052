//! How much somebody may call.
//!
//! Who is known is counted by what he is known as, wherever he calls from; everybody else by address. That cannot be
//! said before credentials were checked, and they must not be checked for free. So requests without any are counted by
//! address before, those whose credentials turn out wrong after, and once these have used up an address's quota, its
//! requests are refused unchecked until it may ask again.
//!
//! A route's own quota is counted beside that, by route and whoever calls.
//!
//! **Invariant**: no header that a client writes, `X-Forwarded-For` beyond the trusted proxies included, says whom a
//! request is counted as.

mod spent;

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue};
use switchyard_core::{
    problem::Code,
    rate_limit::{AddressKey, Quota, Table, Verdict, policy_value, value},
};
use tokio::time::Instant;

use self::spent::Spent;
use crate::{auth::Principal, response::Refusal};

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Whom a request is counted as.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Caller {
    Address(AddressKey),
    Principal(Arc<str>),
}

/// What was counted, from one policy to the next.
pub(crate) struct Limits {
    /// All times are since then.
    start: Instant,
    callers: Mutex<Table<Caller>>,
    routes: Mutex<Table<(Arc<str>, Caller)>>,
    spent: Mutex<Spent>,
}

/// What a client is told of one quota.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    /// How the quota is called.
    name: &'static str,
    quota: Quota,
    verdict: Verdict,
}

// === impl Caller ===

impl Caller {
    pub(crate) fn of(principal: Option<&Principal>, address: IpAddr) -> Self {
        match principal.and_then(Principal::key) {
            Some(key) => Self::Principal(Arc::clone(key)),
            None => Self::Address(address.into()),
        }
    }
}

// === impl Limits ===

impl Limits {
    pub(crate) fn new(start: Instant) -> Self {
        Self { start, callers: Mutex::default(), routes: Mutex::default(), spent: Mutex::default() }
    }

    /// Counts a request by the gateway's quota.
    pub(crate) fn count(&self, caller: &Caller, quota: &Quota, now: Instant) -> Told {
        let verdict = lock(&self.callers).check(caller, self.at(now), quota);
        Told { name: "default", quota: *quota, verdict }
    }

    /// Counts a request by a route's quota.
    pub(crate) fn count_on(&self, route: &Arc<str>, caller: Caller, quota: &Quota, now: Instant) -> Told {
        let verdict = lock(&self.routes).check(&(Arc::clone(route), caller), self.at(now), quota);
        Told { name: "route", quota: *quota, verdict }
    }

    /// Counts a request whose credentials are wrong.
    pub(crate) fn count_failure(&self, address: IpAddr, quota: &Quota, now: Instant) -> Told {
        let told = self.count(&Caller::Address(address.into()), quota, now);
        if let Some(retry_after) = told.verdict.retry_after() {
            let now = self.at(now);
            lock(&self.spent).insert(address.into(), now + retry_after, now);
        }
        told
    }

    /// The refusal of a request whose credentials are not checked, since too many of its address were wrong.
    pub(crate) fn refusal_unchecked(&self, address: IpAddr, now: Instant) -> Option<Refusal> {
        let retry_after = lock(&self.spent).left(address.into(), self.at(now))?;
        let what = "too many requests of this address had wrong credentials";
        Some(Refusal::new(Code::RateLimited, what).after(retry_after))
    }

    fn at(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.start)
    }
}

// === impl Told ===

impl Told {
    /// Fails when the request may not pass.
    pub(crate) fn pass(self) -> Result<(), Refusal> {
        let Some(retry_after) = self.verdict.retry_after() else { return Ok(()) };
        let Quota { requests, window, .. } = self.quota;
        let whose = if self.name == "route" { " on this route" } else { "" };
        let what = format!("more than {requests} requests in {window:?}{whose}");
        Err(Refusal::new(Code::RateLimited, what).after(retry_after))
    }
}

/// Tells a client of the quotas that it was counted by: a list with an entry for each.
pub(crate) fn write<'a>(told: impl Iterator<Item = &'a Told> + Clone, headers: &mut HeaderMap) {
    let mut insert = |name, entries: Vec<String>| {
        if let Ok(value) = HeaderValue::try_from(entries.join(", "))
            && !entries.is_empty()
        {
            headers.insert(name, value);
        }
    };
    insert(RATELIMIT_POLICY, told.clone().map(|told| policy_value(told.name, &told.quota)).collect());
    insert(RATELIMIT, told.map(|told| value(told.name, told.verdict)).collect());
}

/// Nobody panics while holding it, and if so the counts are still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Quota = Quota { requests: 2, window: Duration::from_secs(60), burst: 2 };

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn written(told: Told) -> (String, String) {
        let mut headers = HeaderMap::new();
        write([told].iter(), &mut headers);
        let text = |name| headers[name].to_str().unwrap().to_owned();
        (text("ratelimit-policy"), text("ratelimit"))
    }

    #[test]
    fn every_answer_says_what_is_left_and_a_refusal_when_to_come_back() {
        let now = Instant::now();
        let limits = Limits::new(now);
        let caller = Caller::of(None, address("192.0.2.1"));
        let count = |seconds| limits.count(&caller, &QUOTA, now + Duration::from_secs(seconds));
        let told = count(0);
        assert!(told.pass().is_ok());
        assert_eq!(written(told), ("\"default\";q=2;w=60".to_owned(), "\"default\";r=1;t=30".to_owned()));
        assert!(count(0).pass().is_ok());
        let told = count(10);
        assert_eq!(written(told).1, "\"default\";r=0;t=50");
        let response = told.pass().unwrap_err().into_response("/", "r");
        assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (429, &HeaderValue::from(20)));
        assert!(count(30).pass().is_ok());
    }

    #[test]
    fn principals_are_counted_wherever_they_call_from_and_addresses_by_themselves() {
        let now = Instant::now();
        let limits = Limits::new(now);
        let alice = Caller::Principal("i\nalice".into());
        for passes in [true, true, false] {
            assert_eq!(limits.count(&alice, &QUOTA, now).pass().is_ok(), passes);
        }
        assert!(limits.count(&Caller::Principal("i\nbob".into()), &QUOTA, now).pass().is_ok());
        for (ip, passes) in [
            ("192.0.2.1", true),
            ("::ffff:192.0.2.1", true),
            ("192.0.2.1", false),
            ("192.0.2.2", true),
            ("2001:db8::1", true),
            ("2001:db8::2", true),
            ("2001:db8::3", false),
            ("2001:db8:0:1::3", true),
        ] {
            let told = limits.count(&Caller::of(None, address(ip)), &QUOTA, now);
            assert_eq!(told.pass().is_ok(), passes, "{ip}");
        }
    }

    #[test]
    fn each_route_counts_by_itself() {
        let now = Instant::now();
        let limits = Limits::new(now);
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        let caller = || Caller::Principal("i\nalice".into());
        for (route, passes) in [(&a, true), (&a, true), (&a, false), (&b, true)] {
            assert_eq!(limits.count_on(route, caller(), &QUOTA, now).pass().is_ok(), passes);
        }
        assert!(limits.count(&caller(), &QUOTA, now).pass().is_ok());
        assert_eq!(written(limits.count_on(&b, caller(), &QUOTA, now)).0, "\"route\";q=2;w=60");
    }

    #[test]
    fn an_address_that_keeps_failing_is_refused_unchecked_until_it_may_ask_again() {
        let now = Instant::now();
        let limits = Limits::new(now);
        let (guesser, other) = (address("192.0.2.1"), address("192.0.2.2"));
        for passes in [true, true, false] {
            assert!(limits.refusal_unchecked(guesser, now).is_none());
            assert_eq!(limits.count_failure(guesser, &QUOTA, now).pass().is_ok(), passes);
        }
        let refusal = limits.refusal_unchecked(guesser, now + Duration::from_secs(29)).unwrap();
        assert_eq!(refusal.into_response("/", "r").headers()["retry-after"], "1");
        assert!(limits.refusal_unchecked(other, now).is_none());
        assert!(limits.refusal_unchecked(guesser, now + Duration::from_secs(30)).is_none());
    }
}
