//! How the HTTP calls of one service are shared between its versions.
//!
//! Each version is a whole [`Service`]: its manifest, its instance with a breaker of its own, its own counters. A call
//! picks one, once, and goes on with it, so that what it does is that version's doing. Nothing else is split: events,
//! messages and commands go to the main version.
//!
//! **Invariant**: a version whose breaker is open gets no call that another version can take, and one that is half-open one
//! at a time.

use std::{future::Future, pin::Pin, sync::Arc};

use http::{Request, Response};
use switchyard_core::{
    problem::Code,
    route::action::{InvalidSplit, Mirror, Part, Split},
};
use switchyard_runtime::{Body, CallContext};
use tokio::time::Instant;

use crate::{
    breaker::chance,
    calls::{CallOptions, Held},
    dispatcher::Dispatcher,
    error::CallError,
    service::Service,
    stats::Stats,
};

/// The shares.
pub struct Traffic {
    split: Split<Arc<Service>>,
    /// Which version gets copies.
    mirror: Option<Mirror<Arc<Service>>>,
    /// Whether it stands for one version that somebody named.
    is_pin: bool,
}

/// Counts one call for its version, however it ends.
struct Counted<'a> {
    stats: &'a Stats,
    began: Instant,
    deadline: Instant,
    is_over: bool,
}

type Called<'a> = Pin<Box<dyn Future<Output = Result<Response<Body>, CallError>> + Send + 'a>>;

// === impl Traffic ===

impl Traffic {
    /// These versions with their weights, and who gets copies. One of weight 0 gets calls only while the breakers of all
    /// others are open; whom calls shall not reach even then does not belong here.
    ///
    /// # Errors
    /// When nobody would get anything, or there are too many.
    pub fn new(versions: Vec<Part<Arc<Service>>>, mirror: Option<Mirror<Arc<Service>>>) -> Result<Self, InvalidSplit> {
        // A copy counts for the version that gets it, as any call does.
        let mirror = mirror.map(|to| Mirror {
            service: Arc::new(to.service.answered_by(Arc::clone(&to.service))),
            percent: to.percent,
        });
        Ok(Self { split: Split::new(versions)?, mirror, is_pin: false })
    }

    pub(crate) fn pin(version: Arc<Service>) -> Option<Self> {
        let split = Split::new(vec![Part { service: version, weight: 1 }]).ok()?;
        Some(Self { split, mirror: None, is_pin: true })
    }

    /// The version that is named, if it stands for one.
    pub fn pinned(&self) -> Option<&Arc<Service>> {
        self.split.parts().first().filter(|_| self.is_pin).map(|part| &part.service)
    }

    /// The share of each version of all calls, from 0 to 1, while all of them take calls.
    pub fn shares(&self) -> Vec<(&Arc<Service>, f64)> {
        let parts = self.split.parts();
        let total: f64 = parts.iter().map(|part| f64::from(part.weight)).sum();
        let shares = parts.iter().flat_map(|Part { service, weight }| {
            let share = f64::from(*weight) / total;
            let within = service.traffic.as_ref().map_or_else(|| vec![(service, 1.0)], |traffic| traffic.shares());
            within.into_iter().map(move |(version, part)| (version, share * part))
        });
        shares.collect()
    }

    fn pick(&self) -> &Arc<Service> {
        let picked = self.split.pick(chance());
        let takes = |version: &Service| version.instances().any(|instance| instance.takes_call());
        if takes(picked) {
            return picked;
        }
        let others = self.split.parts().iter().map(|part| &part.service);
        others.into_iter().find(|other| takes(other)).unwrap_or(picked)
    }

    /// The version that answers, and not a group of them.
    fn version(&self) -> &Arc<Service> {
        let mut version = self.pick();
        while let Some(traffic) = &version.traffic {
            version = traffic.pick();
        }
        version
    }
}

/// Calls the version that has its turn.
pub(crate) async fn call(
    dispatcher: &Dispatcher,
    traffic: &Traffic,
    context: CallContext,
    mut request: Request<Body>,
    options: CallOptions<'_>,
) -> Result<Response<Body>, CallError> {
    if let Some(mirror) = &traffic.mirror {
        copy(dispatcher, mirror, &context, &mut request).await?;
    }
    let version = traffic.version();
    let counted = Counted::begin(&version.stats, context.deadline);
    let called = again(dispatcher, version, context, request, options).await;
    counted.end(called.as_ref().map_or_else(|error| error.code().status(), |answer| answer.status().as_u16()));
    called
}

/// The way back into the dispatcher, of known type: a call of a version is a call.
fn again<'a>(
    dispatcher: &'a Dispatcher,
    version: &'a Arc<Service>,
    context: CallContext,
    request: Request<Body>,
    options: CallOptions<'a>,
) -> Called<'a> {
    Box::pin(dispatcher.call_with(version, context, request, options))
}

/// Sends a copy, if chance wants it and the body can be held.
async fn copy(
    dispatcher: &Dispatcher,
    mirror: &Mirror<Arc<Service>>,
    context: &CallContext,
    request: &mut Request<Body>,
) -> Result<(), CallError> {
    if chance() % 100 >= u64::from(mirror.percent) {
        return Ok(());
    }
    match Held::copy(request, context.deadline).await? {
        Some(copy) => _ = dispatcher.mirror(&mirror.service, context.clone(), copy.request()),
        None => dispatcher.mirrors.drop_one(),
    }
    Ok(())
}

// === impl Counted ===

impl<'a> Counted<'a> {
    fn begin(stats: &'a Stats, deadline: Instant) -> Self {
        Self { stats, began: Instant::now(), deadline, is_over: false }
    }

    fn end(mut self, status: u16) {
        self.is_over = true;
        self.stats.record(status, self.began.elapsed());
    }
}

impl Drop for Counted<'_> {
    /// A caller that went away before its time says nothing of the version. At its deadline it is the version that did
    /// not answer, whoever of the two noticed first.
    fn drop(&mut self) {
        if !self.is_over && Instant::now() >= self.deadline {
            self.stats.record(Code::GatewayTimeout.status(), self.began.elapsed());
        }
    }
}
