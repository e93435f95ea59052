//! Which instance takes the next attempt of a call.

use std::{cell::RefCell, sync::Arc, time::Duration};

use http::Request;
use switchyard_core::balance::{self, Candidate, Kind};
use switchyard_runtime::Body;
use tokio::time::Instant;

use super::{CallOptions, CallSettings};
use crate::{
    breaker::{Admitted, chance},
    clock,
    error::CallError,
    instance::Instance,
    service::Service,
};

thread_local! {
    /// So that choosing allocates nothing.
    static CANDIDATES: RefCell<Vec<Candidate>> = const { RefCell::new(Vec::new()) };
}

/// Chooses for one call.
pub(super) struct Chooser<'a> {
    service: &'a Service,
    settings: &'a CallSettings,
    key: Option<u64>,
    /// The places of the instances that were tried.
    tried: Vec<usize>,
}

// === impl Chooser ===

impl<'a> Chooser<'a> {
    pub(super) fn new(
        service: &'a Service,
        settings: &'a CallSettings,
        request: &Request<Body>,
        options: CallOptions<'_>,
    ) -> Self {
        let key = (settings.balancer.kind == Kind::ConsistentHash).then(|| {
            let value = settings.hash_header.as_ref().and_then(|name| request.headers().get(name));
            value.map(|value| balance::hash(value.as_bytes())).or(options.affinity)
        });
        // An empty one allocates nothing, and most calls are over after the first attempt.
        Self { service, settings, key: key.flatten(), tried: Vec::new() }
    }

    /// Whether somebody else could be chosen, so that it matters who is quick.
    pub(super) fn has_choice(&self) -> bool {
        self.service.upstreams.len() + usize::from(self.service.local.is_some()) > 1
    }

    /// The next one, which admits the call.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn next(&mut self, deadline: Instant) -> Result<(&'a Arc<Instance>, Admitted<'a>), CallError> {
        if !self.has_choice() {
            let sole = self.service.instances().next().ok_or_else(|| self.nobody())?;
            return match sole.candidate(clock::now(), false) {
                Candidate { is_healthy: false, is_refusing: false, .. } => Err(self.none_healthy()),
                _ => Ok((sole, sole.breaker.admit(deadline)?)),
            };
        }
        let all = self.service.upstreams.len() + 1;
        // One that is picked may refuse by now, since its probes are under way already.
        for _ in 0..all {
            let index = self.pick().ok_or_else(|| self.none_healthy())?;
            self.tried.push(index);
            let Some(instance) = self.service.instances().nth(index) else { break };
            if let Ok(admitted) = instance.breaker.admit(deadline) {
                return Ok((instance, admitted));
            }
        }
        Err(self.none_healthy())
    }

    fn pick(&self) -> Option<usize> {
        let now = clock::now();
        CANDIDATES.with_borrow_mut(|candidates| {
            candidates.clear();
            let instances = self.service.instances().enumerate();
            candidates.extend(instances.map(|(index, one)| one.candidate(now, self.tried.contains(&index))));
            let pick = self.service.calls.pick(self.settings, candidates, chance(), self.key)?;
            if pick.in_panic {
                tracing::debug!(service = %self.service.name(), "most instances are unhealthy: health is not minded");
            }
            Some(pick.index)
        })
    }

    fn nobody(&self) -> CallError {
        CallError::Unavailable { detail: format!("the service '{}' has no instance", self.service.name()) }
    }

    /// It is worth coming back when the first breaker lets calls through again, or health is asked again.
    fn none_healthy(&self) -> CallError {
        let now = Instant::now();
        let left = |due: Instant| due.saturating_duration_since(now).max(Duration::from_millis(1));
        let next = self.service.instances().filter_map(|instance| instance.breaker.poll()).map(left).min();
        let (unhealthy, refusing) = self.service.instances().fold((0, 0), |(unhealthy, refusing), instance| {
            let is_refusing = instance.is_refusing();
            (unhealthy + usize::from(!is_refusing), refusing + usize::from(is_refusing))
        });
        let name = self.service.name();
        CallError::NoHealthyInstance {
            detail: format!(
                "none of the instances of the service '{name}' takes calls: {unhealthy} unhealthy or busy with probes, \
                 {refusing} with an open breaker"
            ),
            retry_after: next.unwrap_or(self.settings.health_period),
        }
    }
}
