//! Code in memory, linked, with the instances made of it.

use std::{sync::Arc, time::Instant};

use switchyard_core::{
    describe::{Description, Role},
    manifest::Guests,
    name::Digest,
};
use wasmtime::component::Component;

use super::{linked::Linked, p3, roles::Roles};
use crate::{
    code::{CodeError, Entry, map},
    engine::{Allocator, Tier},
    linker,
    runtime::Inner,
    settings::POOLED_TABLE_ELEMENTS,
    state::Shared,
};

/// Mapped code.
pub(super) struct Code {
    pub(super) tier: Tier,
    /// How long its file is.
    pub(super) bytes: u64,
    pub(super) kind: Kind,
}

/// How instances are called.
pub(super) enum Kind {
    /// One call at a time, in any role.
    Linked(Arc<Linked>),
    /// Concurrent requests.
    P3(p3::Concurrent),
}

// === impl Code ===

impl Code {
    /// Maps and links the best code of an entry.
    pub(super) fn load(
        inner: &Arc<Inner>,
        shared: &Arc<Shared>,
        digest: Digest,
        entry: &Entry,
    ) -> Result<Self, String> {
        let (tier, file) = entry.best().ok_or_else(|| format!("there is no code for {digest}"))?;
        let track = entry.description.track;
        let (file, path) = inner.cache.verified(file).map_err(|error| error.to_string())?;
        let bytes = file.metadata().map_or(0, |meta| meta.len());
        // A pooled instance's tables cannot grow over those of a slot, so who may have more gets none of them.
        let is_pooled = shared.settings.limits.tables_max <= POOLED_TABLE_ELEMENTS;
        let pool = is_pooled.then_some(Allocator::Pool);
        let mapped = pool.into_iter().chain([Allocator::OnDemand]).map(|allocator| {
            let engine = inner.engines.get(track, tier, allocator)?;
            map::component(engine, &file, &path)
                .map_err(|error| CodeError::Refused(path.clone(), format!("{error:#}")).to_string())
        });
        // What is over the pool's limits is made on demand, under the service's own limits.
        let mut component = Err(String::new());
        for attempt in mapped {
            component = attempt;
            if component.is_ok() {
                break;
            }
        }
        let kind = Kind::link(inner, shared, &component?, &entry.description);
        Ok(Self { tier, bytes, kind: kind.map_err(|error| format!("{error:#}"))? })
    }

    /// Gives up instances that have not been used for long.
    pub(super) fn sweep(&self, now: Instant) {
        match &self.kind {
            Kind::Linked(linked) => linked.warm.sweep(now),
            // Its workers end themselves.
            Kind::P3(_) => {}
        }
    }

    /// Gives up all instances that wait for a call.
    pub(super) fn drop_idle(&self) {
        match &self.kind {
            Kind::Linked(linked) => linked.warm.clear(),
            Kind::P3(_) => {}
        }
    }
}

// === impl Kind ===

impl Kind {
    fn link(
        inner: &Arc<Inner>,
        shared: &Arc<Shared>,
        component: &Component,
        description: &Description,
    ) -> wasmtime::Result<Self> {
        let linker = linker::linker(component.engine(), description.track)?;
        let pre = linker.instantiate_pre(component)?;
        let reused = shared.settings.guests == Guests::Reused;
        if description.http_role() == Some(Role::WasiHttp03) || description.has(Role::HttpChain) {
            return Ok(Self::P3(p3::Concurrent::new(inner, pre, shared, reused)?));
        }
        let roles = Roles::new(&pre, &description.roles)?;
        Ok(Self::Linked(Arc::new(Linked::new(pre, roles, reused))))
    }
}
