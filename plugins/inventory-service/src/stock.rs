//! The stock of a product, in shards.
//!
//! Each shard is one key that holds pieces available and pieces reserved. A command takes from the shard of its own
//! instance, so that commands at once do not meet; where that has too little, from as many others as it takes. Pieces
//! move within a shard, so that what all of them have together, available and reserved, changes in no reservation.
//!
//! How many pieces are available is said in one key beside, the opening: it has a generation, and of an older one a
//! shard keeps its reserved pieces only and has its part of the opening available. So saying it anew is one write,
//! whatever goes on meanwhile: every command insists on the opening that it has read.
//!
//! A commit has 1,000 operations at most: an order that wants nearly all there is of eight products or more is rejected.
//!
//! **Invariant**: no shard ever has less than nothing available. Of reserved pieces only the sum is never below 0, as
//! pieces may be given back to another shard than they were taken from.
//! **Invariant**: too little stock is told of one moment in which there was too little.

mod levels;

use levels::{Levels, Opening, Reading, Shard};
use serde::de::DeserializeOwned;
use shop::{Home, SHARDS};
use switchyard_sdk::batch::{self, Batch, Condition};
use switchyard_sdk::{Error, Failure, Result};

/// How often all shards are read, for two readings that are the same.
const READINGS: u32 = 20;

/// A product, as its opening says.
pub struct Stock<'a> {
    product: &'a str,
    /// None of a product that nobody knows.
    opening: Option<Opening>,
    unchanged: Condition,
}

// === impl Stock ===

impl<'a> Stock<'a> {
    /// Reads the opening of a product.
    pub fn of(product: &'a str) -> Result<Self, batch::Error> {
        let (said, unchanged) = find(&opening_key(product))?;
        Ok(Self { product, opening: said.or_else(|| Opening::given(product)), unchanged })
    }

    /// Says how many pieces of a product are available.
    pub fn put(product: &str, available: i64) -> Result<()> {
        let key = opening_key(product);
        batch::update(key.as_str(), |_| {
            let before = Stock::of(product)?.opening;
            let generation = before.map_or(0, |opening| opening.generation) + 1;
            let batch = Batch::new().put_json(key.as_str(), &Opening { generation, available })?;
            Ok::<_, Error>((batch, ()))
        })
    }

    /// What there is; none of a product that nobody knows. It is of one moment, unless commands come so fast that no two
    /// readings are the same; then its sum still is.
    pub fn levels(&self) -> Result<Option<Levels>> {
        let known = self.opening.is_some();
        Ok(known.then_some(self.settled()?.1.levels()))
    }

    /// Adds to a batch that so many pieces are reserved, from this shard if it has them. Another one that has some left
    /// becomes home.
    pub fn take(&self, quantity: i64, start: u32, home: &Home, batch: Batch) -> Result<Batch, Failure> {
        let (shard, unchanged) = self.shard(start)?;
        if shard.available >= quantity {
            return self.write(self.insist(batch), start, shard.moved(quantity), unchanged);
        }
        let mut reading = self.reading()?;
        if reading.levels().available < quantity {
            let (is_settled, settled) = self.settled()?;
            reading = settled;
            if reading.levels().available < quantity {
                return Err(match is_settled {
                    true => Failure::reject(format!("Insufficient stock for {}", self.product)),
                    false => Failure::retry(format!("the stock of {} changes too fast", self.product)),
                });
            }
        }
        let (mut batch, mut left) = (self.insist(batch), quantity);
        for index in (start..SHARDS).chain(0..start) {
            let (shard, unchanged) = reading.shards[index as usize];
            let taken = shard.available.min(left);
            if taken > 0 {
                batch = self.write(batch, index, shard.moved(taken), unchanged)?;
                left -= taken;
            }
            if left == 0 {
                home.move_to(index);
                break;
            }
        }
        Ok(batch)
    }

    /// Adds to a batch that so many reserved pieces are available again, in this shard.
    pub fn give_back(&self, quantity: i64, index: u32, batch: Batch) -> Result<Batch, Failure> {
        let (shard, unchanged) = self.shard(index)?;
        self.write(self.insist(batch), index, shard.moved(-quantity), unchanged)
    }

    fn insist(&self, batch: Batch) -> Batch {
        batch.check(opening_key(self.product), self.unchanged)
    }

    fn write(&self, batch: Batch, index: u32, shard: Shard, unchanged: Condition) -> Result<Batch, Failure> {
        let value = serde_json::to_vec(&shard).map_err(Failure::reject)?;
        Ok(batch.put_if(self.shard_key(index), value, unchanged))
    }

    fn shard(&self, index: u32) -> Result<(Shard, Condition), batch::Error> {
        let (found, unchanged) = find::<Shard>(&self.shard_key(index))?;
        let opening = self.opening.unwrap_or(Opening { generation: 0, available: 0 });
        let shard = match found {
            Some(shard) if shard.generation == opening.generation => shard,
            older => Shard {
                generation: opening.generation,
                available: opening.part(index),
                reserved: older.map_or(0, |shard| shard.reserved),
            },
        };
        Ok((shard, unchanged))
    }

    fn reading(&self) -> Result<Reading, batch::Error> {
        let shards = (0..SHARDS).map(|index| self.shard(index)).collect::<Result<_, _>>()?;
        Ok(Reading { opening: self.unchanged, shards })
    }

    /// All shards as they were at one moment, if two readings are the same; else the last reading, and no.
    fn settled(&self) -> Result<(bool, Reading), batch::Error> {
        let mut before = self.reading()?;
        for _ in 0..READINGS {
            let now = Stock::of(self.product)?.reading()?;
            if now.is_same(&before) {
                return Ok((true, now));
            }
            before = now;
        }
        Ok((false, before))
    }

    fn shard_key(&self, index: u32) -> String {
        format!("stock/{}/{index}", self.product)
    }
}

fn opening_key(product: &str) -> String {
    format!("product/{product}")
}

fn find<T: DeserializeOwned>(key: &str) -> Result<(Option<T>, Condition), batch::Error> {
    let Some(entry) = batch::read(key)? else { return Ok((None, Condition::Absent)) };
    let read = serde_json::from_slice(&entry.value);
    let value = read.map_err(|error| batch::Error::Unavailable(format!("`{key}` cannot be read: {error}")))?;
    Ok((Some(value), Condition::Revision(entry.revision)))
}
