//! What the services of `process-order` share: money and items as JSON, keys that many write at once, sums kept for an
//! order, and misbehaviour on demand.

pub mod ledger;
mod money;
mod order;
mod shards;
pub mod simulate;

pub use ledger::Sums;
pub use money::Cents;
pub use order::{Item, Items, OrderId, is_id};
pub use shards::{Home, SHARDS};
