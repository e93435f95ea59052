//! What operators and the configuration do to a breaker.

use super::{Breaker, Cause, Config, Phase, Stance, Transition};

// === impl Breaker ===

impl Breaker {
    /// Takes what an operator, or the configuration, wants of it. Taking that back closes it.
    pub fn stand(&mut self, stance: Stance) -> Option<Transition> {
        let phase = Phase::of(stance);
        let stays = phase == self.phase || (stance == Stance::Automatic && self.state().is_automatic());
        if stays { None } else { self.go(phase, Cause::Operator) }
    }

    /// Begins anew: what was counted for its decisions is forgotten, and it is closed, unless this stance says other.
    pub fn reset(&mut self, stance: Stance) -> Option<Transition> {
        let from = self.state();
        let transition = self.go(Phase::of(stance), Cause::Operator);
        transition.filter(|transition| transition.to != from)
    }

    /// Goes by other numbers from now on. What was counted stays, and so does the end of an opening.
    pub fn reconfigure(&mut self, config: Config) {
        self.config = config;
    }
}

// === impl Phase ===

impl Phase {
    /// Where a breaker begins that takes this stance.
    fn of(stance: Stance) -> Self {
        match stance {
            Stance::Automatic => Self::Closed,
            Stance::ForcedOpen => Self::ForcedOpen,
            Stance::ForcedClosed => Self::ForcedClosed,
            Stance::Measuring => Self::Measuring,
        }
    }
}
