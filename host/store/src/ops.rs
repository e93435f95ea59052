//! The families of operations besides key-value, one file each: what they ask, and what they answer.

pub(crate) mod cursor;
pub(crate) mod dead;
pub(crate) mod log;
pub(crate) mod ownership;
pub(crate) mod queue;
pub(crate) mod timer;
