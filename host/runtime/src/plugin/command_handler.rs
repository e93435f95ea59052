//! `switchyard:plugin/command-handler`: one command of a saga, one result.

use bytes::Bytes;
use switchyard_core::{
    describe::Role,
    handled::Failure,
    saga::{self, Told},
};
use wasmtime::component::InstancePre;

use super::{
    linked::{Call, absent},
    roles,
    warm::Guest,
    wit,
};
use crate::state::GuestState;

type Params<'a> = (wit::command_handler::Command<'a>,);
type Return = (Result<Vec<u8>, wit::types::Failure>,);

pub(super) fn check(pre: &InstancePre<GuestState>) -> wasmtime::Result<()> {
    roles::check::<Params<'_>, Return>(pre, Role::CommandHandler, "handle")
}

/// A command to be carried out.
pub(super) struct Handle<'a> {
    pub(super) command: &'a Told,
}

impl Call for Handle<'_> {
    /// The result is as the guest wrote it: whether it is JSON is for the saga to say.
    type Answer = Result<Bytes, Failure>;

    async fn call(self, guest: &mut Guest) -> wasmtime::Result<Self::Answer> {
        let handler = guest.exports.command.as_ref().ok_or_else(|| absent(Role::CommandHandler))?;
        let command = wit::command_handler::Command {
            name: &self.command.name,
            saga_id: self.command.saga_id.as_str(),
            saga_name: &self.command.saga_name,
            step_index: self.command.step_index,
            direction: match self.command.direction {
                saga::Direction::Forward => wit::command_handler::Direction::Forward,
                saga::Direction::Compensation => wit::command_handler::Direction::Compensation,
            },
            attempt: self.command.attempt,
            idempotency_key: &self.command.idempotency_key,
            payload: &self.command.payload,
        };
        let answer = handler.call_handle(&mut guest.store, command).await?;
        Ok(answer.map(Bytes::from).map_err(wit::failure))
    }
}
