//! The operations on ownership.

use rusqlite::Result;

use super::{Fault, Work, conflict};
use crate::{
    OwnerOp, OwnerOutcome, Ownership, StoreError,
    embedded::{
        query::owner::{get, sum},
        record::sql,
    },
};

impl Work<'_> {
    pub(super) fn apply_owner(&mut self, index: usize, op: &OwnerOp) -> Result<OwnerOutcome, Fault> {
        let found = get(self.conn, op.resource())?;
        match op {
            OwnerOp::Claim { resource, owner, now, until } => {
                let token = match found {
                    Some(found) if found.owner == *owner => found.token,
                    Some(found) if found.until > *now => {
                        let (resource, owner) = (resource.clone(), found.owner);
                        return Err(Fault::Refused(StoreError::Owned { resource, owner }));
                    }
                    // From the store's own count, so that it rises also over an owner that let go.
                    _ => self.state.numbers.next_revision(),
                };
                let (resource, owner) = (resource.clone(), owner.clone());
                self.set_owner(&Ownership { resource, owner, token, until: *until })?;
                Ok(OwnerOutcome::Owns(token))
            }
            OwnerOp::Assert { token, .. } => match found.map(|found| found.token) {
                Some(current) if current == *token => Ok(OwnerOutcome::Done),
                current => Err(conflict(index, current)),
            },
            OwnerOp::Release { resource, token } => {
                if found.is_some_and(|found| found.token == *token) {
                    self.conn.prepare_cached("DELETE FROM owner WHERE resource = ?1")?.execute([resource])?;
                }
                Ok(OwnerOutcome::Done)
            }
        }
    }

    fn set_owner(&self, ownership: &Ownership) -> Result<()> {
        let Ownership { resource, owner, token, until } = ownership;
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO owner(resource, owner, token, until, crc) VALUES(?1, ?2, ?3, ?4, ?5)",
            )?
            .execute((resource, owner, sql(*token), sql(until.0), sum(ownership)))
            .map(drop)
    }
}
