//! After a turn: send what is to be under way, set the alarm, and let go of what has ended.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use switchyard_core::saga::{Action, CommandId};

use super::{
    KEPT_MAX,
    directory::has_event_steps,
    slot::{Held, Slot},
};
use crate::{clock, delivery::Delivery, random};

// === impl Delivery ===

impl Delivery {
    /// Does what a saga wants done.
    pub(super) fn act(self: &Arc<Self>, slot: &Arc<Slot>, held: &mut Held) {
        let Some(known) = &held.known else { return self.leave(slot, held) };
        let saga = &known.saga;
        slot.note_status(saga.status());
        held.open = self.is_open(saga);
        self.note_by_event(slot, held.open && has_event_steps(saga.definition()));
        held.sent.retain(|command| saga.is_open(command));
        let (mut sends, mut alarm) = (Vec::new(), None);
        for action in saga.decide(clock::now(), random::fraction()) {
            match action {
                Action::Send { command, deadline } if held.sent.insert(command) => sends.push((command, deadline)),
                Action::Send { .. } => {}
                Action::WaitUntil(moment) => alarm = Some(moment),
                // Something has become due since the turn.
                Action::Journal(_) => alarm = Some(clock::now()),
            }
        }
        self.sagas.alarms.set(&slot.id, alarm);
        // What is intended and not sent when the host stops is sent by whoever owns the saga next.
        if !self.stop.is_cancelled() {
            for (command, deadline) in sends {
                held.carrying += 1;
                self.sagas.sending.fetch_add(1, Relaxed);
                self.begin_carrying(slot, command, deadline);
            }
        }
        self.leave(slot, held);
    }

    fn begin_carrying(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        command: CommandId,
        deadline: switchyard_core::timestamp::Timestamp,
    ) {
        let (me, slot) = (Arc::clone(self), Arc::clone(slot));
        self.tasks.spawn(async move {
            let outcome = me.carry(&slot, command, deadline).await;
            me.sagas.sending.fetch_sub(1, Relaxed);
            slot.held.lock().await.carrying -= 1;
            match outcome {
                Some(outcome) => me.answered(&slot.id, command, outcome).await,
                None => me.rest(&slot).await,
            }
        });
    }

    /// Nothing has happened; but the saga may be of no concern any more.
    async fn rest(&self, slot: &Arc<Slot>) {
        let mut held = slot.held.lock().await;
        self.leave(slot, &mut held);
    }

    /// Keeps count of the sagas that need answers which are events: as long as there is one, these are read.
    fn note_by_event(&self, slot: &Slot, by_event: bool) {
        if !slot.note_by_event(by_event) {
            return;
        }
        let count = &self.sagas.by_event;
        let before = if by_event { count.fetch_add(1, Relaxed) } else { count.fetch_sub(1, Relaxed) };
        if before == usize::from(!by_event) {
            self.wanted.notify_one();
        }
    }

    /// Forgets as much of a saga as nobody needs now.
    pub(super) fn leave(&self, slot: &Slot, held: &mut Held) {
        if held.carrying == 0 && !held.open && !held.retired {
            self.sagas.alarms.set(&slot.id, None);
            held.retired = true;
            self.note_by_event(slot, false);
            self.sagas.slots().remove(&slot.id);
        }
        if held.carrying == 0 || held.known.as_ref().is_some_and(|known| known.bytes > KEPT_MAX) {
            held.known = None;
        }
    }
}
