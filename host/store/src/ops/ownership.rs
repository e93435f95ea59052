//! Ownership: one owner of a resource at a time, with a lease and a token that fences off those before.

use std::sync::Arc;

use switchyard_core::timestamp::Timestamp;

/// An operation on ownership.
#[derive(Debug, Clone)]
pub enum OwnerOp {
    /// Take a resource, or renew what this owner had last. Refused with [`Owned`](crate::StoreError::Owned) while another
    /// owner's lease runs.
    Claim {
        /// What.
        resource: Arc<str>,
        /// Who.
        owner: Arc<str>,
        /// Now.
        now: Timestamp,
        /// When the lease ends.
        until: Timestamp,
    },
    /// Insist that this token still owns the resource; refused with [`Conflict`](crate::StoreError::Conflict).
    Assert {
        /// What.
        resource: Arc<str>,
        /// The token of the claim.
        token: u64,
    },
    /// Let go, if this token owns it.
    Release {
        /// What.
        resource: Arc<str>,
        /// The token of the claim.
        token: u64,
    },
}

/// Who owns a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ownership {
    /// What.
    pub resource: Arc<str>,
    /// Who.
    pub owner: Arc<str>,
    /// Rises with every change of owner: a fencing token.
    pub token: u64,
    /// When the lease ends.
    pub until: Timestamp,
}

/// What an operation on ownership did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerOutcome {
    /// Of `Claim`: the token.
    Owns(u64),
    /// Of all others.
    Done,
}

// === impl OwnerOp ===

impl OwnerOp {
    /// The resource that the operation is about.
    #[must_use]
    pub fn resource(&self) -> &Arc<str> {
        match self {
            OwnerOp::Claim { resource, .. } | OwnerOp::Assert { resource, .. } | OwnerOp::Release { resource, .. } => {
                resource
            }
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let owner = if let OwnerOp::Claim { owner, .. } = self { owner.len() } else { 0 };
        self.resource().len() + owner
    }
}
