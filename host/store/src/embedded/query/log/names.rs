//! Names of topics by number, kept in memory.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use rusqlite::{Connection, OptionalExtension};

use crate::embedded::{fault::Fault, record::corrupt};

/// Names of topics by number, for all readers: a topic's name never changes.
#[derive(Debug, Default)]
pub(in crate::embedded) struct TopicNames(RwLock<HashMap<i64, Arc<str>>>);

// === impl TopicNames ===

impl TopicNames {
    /// The name of a topic that a record refers to.
    pub(super) fn get(&self, conn: &Connection, id: i64) -> Result<Arc<str>, Fault> {
        if let Some(name) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Ok(name.clone());
        }
        let name: Option<Arc<str>> = conn
            .prepare_cached("SELECT name FROM topic WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?;
        let name = name.ok_or_else(|| corrupt(format_args!("topic number {id}")))?;
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(id, name.clone());
        Ok(name)
    }
}
