//! The sagas of the host.

use crate::bindings::switchyard::plugin::{saga_types, sagas as wit};
use crate::sagas::{Error, Started};

pub(crate) fn start_saga(draft: saga_types::Draft) -> Result<Started, Error> {
    Ok(wit::start(&draft)?.into())
}

pub(crate) fn saga(id: &str) -> Result<wit::Snapshot, Error> {
    Ok(wit::get(id)?)
}

pub(crate) fn signal_saga(id: &str, name: &str, data: &[u8]) -> Result<(), Error> {
    Ok(wit::signal(id, name, data)?)
}

pub(crate) fn cancel_saga(id: &str) -> Result<(), Error> {
    Ok(wit::cancel(id)?)
}
