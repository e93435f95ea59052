//! The rows that the writer mirrors, one file each.

pub(super) mod bucket;
pub(super) mod cursor;
pub(super) mod message;
pub(super) mod queue;
pub(super) mod topic;
