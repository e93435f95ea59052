//! What a product's shards hold, and how its opening is parted among them.

use serde::{Deserialize, Serialize};
use shop::SHARDS;
use switchyard_sdk::batch::Condition;

/// What is there before anybody says how many there are.
const GIVEN: (&str, i64) = ("p1", 1_000_000);

/// How many pieces were available when that was said last.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Opening {
    pub(super) generation: u64,
    pub(super) available: i64,
}

/// One key: pieces of this generation of the opening, and all that are reserved in it.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Shard {
    pub(super) generation: u64,
    pub(super) available: i64,
    pub(super) reserved: i64,
}

/// What all shards have together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Levels {
    pub(super) available: i64,
    pub(super) reserved: i64,
}

/// All shards of a product, and what it takes for them to be unchanged.
pub(super) struct Reading {
    pub(super) opening: Condition,
    pub(super) shards: Vec<(Shard, Condition)>,
}

// === impl Opening ===

impl Opening {
    pub(super) fn given(product: &str) -> Option<Self> {
        (product == GIVEN.0).then_some(Self { generation: 0, available: GIVEN.1 })
    }

    /// What a shard has of it: as much as every other one, or one more.
    pub(super) fn part(self, index: u32) -> i64 {
        let up_to = |index: u32| self.available * i64::from(index) / i64::from(SHARDS);
        up_to(index + 1) - up_to(index)
    }
}

// === impl Shard ===

impl Shard {
    /// With so many pieces moved from available to reserved.
    pub(super) fn moved(self, quantity: i64) -> Self {
        Self { available: self.available - quantity, reserved: self.reserved + quantity, ..self }
    }
}

// === impl Reading ===

impl Reading {
    pub(super) fn levels(&self) -> Levels {
        self.shards.iter().fold(Levels::default(), |levels, (shard, _)| Levels {
            available: levels.available + shard.available,
            reserved: levels.reserved + shard.reserved,
        })
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        let unchanged = |reading: &Self| reading.shards.iter().map(|(_, unchanged)| *unchanged).collect::<Vec<_>>();
        self.opening == other.opening && unchanged(self) == unchanged(other)
    }
}
