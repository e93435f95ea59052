//! The sagas of the host in memory: what was started, signalled and cancelled. No step of them is done by itself.

use super::{Host, events::DATA_MAX, with};
use crate::bindings::switchyard::plugin::saga_types::Draft;
use crate::bindings::switchyard::plugin::sagas::{Snapshot, Status};
use crate::sagas::{Error, Started};
use crate::uuid;

/// The longest name in sagas, in bytes.
const NAME_MAX: usize = 128;

/// A signal that a saga got: its id, the signal's name, its data.
pub(crate) type Signal = (String, String, Vec<u8>);

pub(crate) fn start_saga(draft: Draft) -> Result<Started, Error> {
    let saga = complete(draft).map_err(Error::Invalid)?;
    Ok(with(|host| host.start_saga(saga)))
}

pub(crate) fn saga(id: &str) -> Result<Snapshot, Error> {
    with(|host| host.saga(id).cloned())
}

pub(crate) fn signal_saga(id: &str, name: &str, data: &[u8]) -> Result<(), Error> {
    with(|host| {
        host.open_saga(id)?;
        host.signals.push((id.to_owned(), name.to_owned(), data.to_vec()));
        Ok(())
    })
}

pub(crate) fn cancel_saga(id: &str) -> Result<(), Error> {
    with(|host| {
        let saga = host.open_saga(id)?;
        (saga.status, saga.error) = (Status::Failed, Some("cancelled".to_owned()));
        Ok(())
    })
}

pub(crate) fn sagas() -> Vec<Snapshot> {
    with(|host| host.sagas.clone())
}

pub(crate) fn signals() -> Vec<Signal> {
    with(|host| host.signals.clone())
}

/// The saga that a draft makes, unless the host would refuse it. Which definitions there are nobody knows here.
pub(super) fn complete(draft: Draft) -> Result<Snapshot, String> {
    let Draft { name, id, data } = draft;
    let id = id.unwrap_or_else(uuid::v7);
    let is_name = |name: &str| {
        let of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':');
        (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(of_name)
    };
    if let Some(wrong) = [&name, &id].into_iter().find(|name| !is_name(name)) {
        return Err(format!("'{wrong}' is not a name in sagas"));
    }
    if data.len() > DATA_MAX {
        return Err(format!("the data has {} bytes, over the limit of {DATA_MAX}", data.len()));
    }
    match serde_json::from_slice(&data) {
        Ok(serde_json::Value::Object(_)) => {
            Ok(Snapshot { id, name, status: Status::Running, current_step: 0, data, error: None })
        }
        _ => Err("the data is no JSON object".to_owned()),
    }
}

// === impl Host ===

impl Host {
    pub(super) fn start_saga(&mut self, saga: Snapshot) -> Started {
        let id = saga.id.clone();
        let existing = self.saga(&id).is_ok();
        if !existing {
            self.sagas.push(saga);
        }
        Started { id, existing }
    }

    fn saga(&self, id: &str) -> Result<&Snapshot, Error> {
        self.sagas.iter().find(|saga| saga.id == id).ok_or_else(|| unknown(id))
    }

    fn open_saga(&mut self, id: &str) -> Result<&mut Snapshot, Error> {
        let saga = self.sagas.iter_mut().find(|saga| saga.id == id).ok_or_else(|| unknown(id))?;
        match saga.status {
            Status::Failed => Err(Error::Conflict(format!("the saga '{id}' is failed"))),
            _ => Ok(saga),
        }
    }
}

fn unknown(id: &str) -> Error {
    Error::NotFound(format!("there is no saga '{id}'"))
}
