//! What was done for an order, and what of it was undone, summed up over all sagas that concern it.
//!
//! Only adding changes such a sum, so that any of its [shards](crate::SHARDS) does.

use serde::{Deserialize, Serialize};
use switchyard_sdk::batch::{self, Batch, Condition};
use switchyard_sdk::{Failure, Result, kv};

use crate::{OrderId, SHARDS};

/// Two sums.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Of what was done.
    pub done: i64,
    /// Of what was undone.
    pub undone: i64,
}

/// A batch that adds to an order's sums, in this shard.
///
/// # Errors
/// A retry when the store cannot be reached.
pub fn add(order: &OrderId, shard: u32, change: Sums) -> Result<Batch, Failure> {
    let key = key(order, shard);
    let (before, unchanged) = match batch::read(key.as_str())? {
        Some(entry) => (read(&key, &entry.value)?, Condition::Revision(entry.revision)),
        None => (Sums::default(), Condition::Absent),
    };
    let after = serde_json::to_vec(&(before + change)).map_err(Failure::reject)?;
    Ok(Batch::new().put_if(key, after, unchanged))
}

/// An order's sums; none when nothing was done for it.
///
/// # Errors
/// 503 when the store cannot be reached.
pub fn of(order: &OrderId) -> Result<Option<Sums>> {
    let keys: Vec<String> = (0..SHARDS).map(|shard| key(order, shard)).collect();
    let values = kv::own()?.get_many(&keys)?;
    let mut sum = None;
    for (key, value) in keys.iter().zip(values) {
        if let Some(value) = value {
            sum = Some(sum.unwrap_or_default() + read(key, &value)?);
        }
    }
    Ok(sum)
}

fn key(order: &OrderId, shard: u32) -> String {
    format!("order/{order}/{shard}")
}

fn read(key: &str, value: &[u8]) -> Result<Sums, kv::Error> {
    serde_json::from_slice(value).map_err(|error| kv::Error::Format(key.to_owned(), error))
}

// === impl Sums ===

impl std::ops::Add for Sums {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { done: self.done + other.done, undone: self.undone + other.undone }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_of_an_order_are_those_of_its_shards() {
        let order = |id: &str| OrderId::try_from(id.to_owned()).expect("an id");
        let add = |id, shard, done, undone| {
            let batch = super::add(&order(id), shard, Sums { done, undone }).expect("read");
            batch.commit().expect("committed");
        };
        assert_eq!(of(&order("1")).expect("read"), None);
        for (id, shard, done, undone) in [("1", 0, 5, 0), ("1", 127, 7, 0), ("1", 0, 0, 5), ("2", 0, 1, 0)] {
            add(id, shard, done, undone);
        }
        assert_eq!(of(&order("1")).expect("read"), Some(Sums { done: 12, undone: 5 }));
        assert_eq!(of(&order("2")).expect("read"), Some(Sums { done: 1, undone: 0 }));
    }

    #[test]
    fn a_shard_that_was_written_meanwhile_is_not_written_over() {
        let order = OrderId::try_from("1".to_owned()).expect("an id");
        let change = Sums { done: 1, undone: 0 };
        let slow = add(&order, 3, change).expect("read");
        add(&order, 3, change).expect("read").commit().expect("committed");
        assert!(matches!(slow.commit(), Err(batch::Error::Conflict(_))));
    }
}
