//! `switchyard:plugin/event-handler`: one event of a subscription, one answer.

use switchyard_core::{
    describe::Role,
    event::{Delivery, Event},
    handled::Failure,
};
use wasmtime::component::InstancePre;

use super::{
    linked::{Call, absent},
    roles,
    warm::Guest,
    wit::{self, Lowered},
};
use crate::state::GuestState;

type Params<'a> = (wit::event_types::EventParam<'a>, wit::event_handler::Delivery<'a>);
type Return = (Result<(), wit::types::Failure>,);

pub(super) fn check(pre: &InstancePre<GuestState>) -> wasmtime::Result<()> {
    roles::check::<Params<'_>, Return>(pre, Role::EventHandler, "handle")
}

/// An event to be handled.
pub(super) struct Handle<'a> {
    pub(super) event: &'a Event,
    pub(super) delivery: &'a Delivery,
}

impl Call for Handle<'_> {
    type Answer = Result<(), Failure>;

    async fn call(self, guest: &mut Guest) -> wasmtime::Result<Self::Answer> {
        let handler = guest.exports.event.as_ref().ok_or_else(|| absent(Role::EventHandler))?;
        let lowered = Lowered::new(self.event);
        let pairs = lowered.pairs();
        let delivery = wit::event_handler::Delivery {
            subscription: &self.delivery.subscription,
            sequence: self.delivery.sequence,
            attempt: self.delivery.attempt,
        };
        let answer = handler.call_handle(&mut guest.store, lowered.event(&pairs), delivery).await?;
        Ok(answer.map_err(wit::failure))
    }
}
