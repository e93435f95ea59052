//! A component of one call at a time, linked: its roles, and the instances made of it.

use std::{pin::pin, sync::Arc};

use switchyard_core::describe::Role;
use wasmtime::{Engine, Store, component::InstancePre};

use super::{
    gate::Admission,
    roles::{Exports, Roles},
    warm::{Guest, Warm},
};
use crate::{
    context::CallContext,
    error::{GuestError, explain},
    runtime::Inner,
    state::{GuestState, Shared},
};

/// What calls are made with. All roles share the instances: state that a guest keeps in memory is the same for a
/// request and an event.
pub(crate) struct Linked {
    pre: InstancePre<GuestState>,
    roles: Roles,
    pub(super) warm: Warm,
}

/// One call of an instance, with what goes in.
pub(super) trait Call: Send {
    /// What comes out.
    type Answer: Send;

    /// Calls the guest.
    fn call(self, guest: &mut Guest) -> impl Future<Output = wasmtime::Result<Self::Answer>> + Send;
}

// === impl Linked ===

impl Linked {
    pub(super) fn new(pre: InstancePre<GuestState>, roles: Roles, reused: bool) -> Self {
        Self { pre, roles, warm: Warm::new(reused) }
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.pre.engine()
    }

    /// Makes one instance.
    pub(crate) async fn instantiate(&self, store: &mut Store<GuestState>) -> wasmtime::Result<Exports> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        self.roles.load(store, &instance)
    }

    /// An instance that waits, else a new one.
    pub(super) async fn guest(
        &self,
        inner: &Inner,
        shared: &Arc<Shared>,
        context: &CallContext,
    ) -> Result<Guest, GuestError> {
        match self.warm.take() {
            Some(guest) => Ok(guest),
            None => inner.instantiate(shared, context, self).await,
        }
    }

    /// Makes one call. The caller bounds the time.
    pub(super) async fn run<C: Call>(
        &self,
        inner: &Inner,
        shared: &Arc<Shared>,
        context: CallContext,
        admission: Admission,
        call: C,
    ) -> Result<C::Answer, GuestError> {
        let mut guest = self.guest(inner, shared, &context).await?;
        let _permit = admission.begin();
        let meter = guest.begin(context);
        let answer = meter.meter(pin!(call.call(&mut guest))).await;
        match answer {
            Ok(answer) => {
                self.warm.give_back(guest);
                Ok(answer)
            }
            Err(error) => Err(explain(&shared.service, &error, guest.store.data().memory.refused)),
        }
    }
}

/// That an instance lacks an export which its component's description promises.
pub(super) fn absent(role: Role) -> wasmtime::Error {
    wasmtime::format_err!("the instance has no export {}", role.interface())
}
