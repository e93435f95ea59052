//! A call that a breaker let through.

use switchyard_core::breaker::{Outcome, Permit, Receipt};
use tokio::time::Instant;

use super::Breaker;

/// One call that was let through. Dropped without a result, it counts as one whose caller went away, or, when its time
/// is over, as one that had no answer in time: of a caller and a callee with the same deadline either may be first.
pub(crate) struct Admitted<'a> {
    breaker: &'a Breaker,
    /// None once the result is recorded.
    permit: Option<Permit>,
    deadline: Instant,
}

// === impl Admitted ===

impl<'a> Admitted<'a> {
    pub(super) fn new(breaker: &'a Breaker, permit: Permit, deadline: Instant) -> Self {
        Self { breaker, permit: Some(permit), deadline }
    }

    /// Records how the call ended. What is answered is for an answer that begins well, and may break off.
    pub(crate) fn settle(mut self, outcome: Outcome) -> Option<Receipt> {
        let permit = self.permit.take()?;
        let receipt = (outcome == Outcome::Success).then(|| permit.receipt());
        self.breaker.record(permit, outcome);
        receipt
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            let outcome = if Instant::now() < self.deadline { Outcome::Uncounted } else { Outcome::TimedOut };
            self.breaker.record(permit, outcome);
        }
    }
}
