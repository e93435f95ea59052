//! `wasi:messaging/incoming-handler`: one event of a subscription, by the standard ABI.

use switchyard_core::{describe::Role, event::Event, handled::Failure};
use wasmtime::component::{InstancePre, Resource};

use super::{
    linked::{Call, absent},
    roles,
    warm::Guest,
};
use crate::{
    host::{
        cut,
        messaging::{Error, Message},
    },
    state::GuestState,
};

type Params = (Resource<Message>,);
type Return = (Result<(), Error>,);

pub(super) fn check(pre: &InstancePre<GuestState>) -> wasmtime::Result<()> {
    roles::check::<Params, Return>(pre, Role::Messaging, "handle")
}

/// An event to be handled.
pub(super) struct Handle<'a> {
    pub(super) event: &'a Event,
}

impl Call for Handle<'_> {
    type Answer = Result<(), Failure>;

    async fn call(self, guest: &mut Guest) -> wasmtime::Result<Self::Answer> {
        let handler = guest.exports.messaging.as_ref().ok_or_else(|| absent(Role::Messaging))?;
        let message = guest.store.data_mut().hold(Message::of_event(self.event))?;
        let answer = handler.call_handle(&mut guest.store, message).await?;
        // The draft knows one way to fail.
        Ok(answer.map_err(|error| Failure::Retry(cut(error.into_text()))))
    }
}
