//! `switchyard:plugin/queue-handler`: one leased message, one answer.

use switchyard_core::{describe::Role, handled::Failure, message::Leased};
use wasmtime::component::InstancePre;

use super::{
    linked::{Call, absent},
    roles,
    warm::Guest,
    wit,
};
use crate::state::GuestState;

type Params<'a> = (wit::queue_types::Message<'a>,);
type Return = (Result<(), wit::types::Failure>,);

pub(super) fn check(pre: &InstancePre<GuestState>) -> wasmtime::Result<()> {
    roles::check::<Params<'_>, Return>(pre, Role::QueueHandler, "handle")
}

/// A message to be handled.
pub(super) struct Handle<'a> {
    pub(super) message: &'a Leased,
}

impl Call for Handle<'_> {
    type Answer = Result<(), Failure>;

    async fn call(self, guest: &mut Guest) -> wasmtime::Result<Self::Answer> {
        let handler = guest.exports.queue.as_ref().ok_or_else(|| absent(Role::QueueHandler))?;
        let enqueued_at = self.message.enqueued_at.to_string();
        let message = wit::queue_types::Message {
            id: &self.message.id,
            queue: &self.message.queue,
            token: &self.message.token,
            data: &self.message.data,
            priority: self.message.priority,
            attempt: self.message.attempt,
            enqueued_at: &enqueued_at,
        };
        let answer = handler.call_handle(&mut guest.store, message).await?;
        Ok(answer.map_err(wit::failure))
    }
}
