//! When which saga wants to be asked again: deadlines, back-off, timers.
//!
//! They are not durable of themselves: whoever takes a saga over finds them in its state.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use switchyard_core::{saga::SagaId, timestamp::Timestamp};
use tokio::sync::{Notify, Semaphore};

use super::turn::Claim;
use crate::{
    clock,
    delivery::{Delivery, STORE_RETRY},
    error::Error,
};

/// Turns that alarms take at once; more would only wait for the store together.
const TURNS_MAX: usize = 64;

/// The alarms of all sagas at work.
#[derive(Default)]
pub(super) struct Alarms {
    set: Mutex<Set>,
    /// The first one may be another.
    changed: Notify,
}

#[derive(Default)]
struct Set {
    by_moment: BTreeSet<(Timestamp, SagaId)>,
    by_saga: HashMap<SagaId, Timestamp>,
}

// === impl Alarms ===

impl Alarms {
    /// Sets the alarm of a saga, instead of the one before.
    pub(super) fn set(&self, id: &SagaId, moment: Option<Timestamp>) {
        let mut set = self.lock();
        let before = match moment {
            Some(moment) => set.by_saga.insert(id.clone(), moment),
            None => set.by_saga.remove(id),
        };
        if before == moment {
            return;
        }
        if let Some(before) = before {
            set.by_moment.remove(&(before, id.clone()));
        }
        if let Some(moment) = moment {
            let is_first = set.by_moment.first().is_none_or(|(first, _)| moment < *first);
            set.by_moment.insert((moment, id.clone()));
            if is_first {
                self.changed.notify_one();
            }
        }
    }

    /// Takes one that is due, else says when the first one is.
    fn take(&self, now: Timestamp) -> Result<SagaId, Option<Timestamp>> {
        let mut set = self.lock();
        match set.by_moment.first() {
            Some((moment, _)) if *moment <= now => {}
            first => return Err(first.map(|(moment, _)| *moment)),
        }
        let Some((_, id)) = set.by_moment.pop_first() else { return Err(None) };
        set.by_saga.remove(&id);
        Ok(id)
    }

    fn lock(&self) -> MutexGuard<'_, Set> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Delivery ===

impl Delivery {
    /// Wakes sagas until the host stops.
    pub(crate) async fn wake_sagas(self: Arc<Self>) {
        let turns = Arc::new(Semaphore::new(TURNS_MAX));
        loop {
            let next = match self.sagas.alarms.take(clock::now()) {
                Ok(id) => {
                    let Ok(turn) = Arc::clone(&turns).acquire_owned().await else { return };
                    let me = Arc::clone(&self);
                    self.tasks.spawn(async move {
                        me.wake_saga(&id).await;
                        drop(turn);
                    });
                    continue;
                }
                Err(next) => next.map(clock::until),
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.sagas.alarms.changed.notified() => {}
                () = clock::sleep_until(next) => {}
            }
        }
    }

    async fn wake_saga(self: &Arc<Self>, id: &SagaId) {
        match self.turn(id, Claim::Keep, |_, _| Ok(None), |_| ()).await {
            Ok(()) | Err(Error::NotFound(_) | Error::Conflict(_)) => {}
            Err(error) => {
                tracing::warn!(saga = %id, %error, "a saga waits for the store");
                self.sagas.alarms.set(id, Some(clock::now().plus(STORE_RETRY)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_first_alarm_comes_first_and_the_last_word_counts() {
        let (alarms, now) = (Alarms::default(), clock::now());
        let [a, b] = ["a", "b"].map(|id| id.parse::<SagaId>().unwrap());
        let at = |seconds| now.plus(Duration::from_secs(seconds));
        assert_eq!(alarms.take(now), Err(None));
        alarms.set(&a, Some(at(1)));
        alarms.set(&b, Some(at(2)));
        alarms.set(&a, Some(at(3)));
        assert_eq!(alarms.take(at(1)), Err(Some(at(2))));
        assert_eq!(alarms.take(at(3)), Ok(b.clone()));
        alarms.set(&a, None);
        assert_eq!(alarms.take(at(9)), Err(None));
        assert!(alarms.lock().by_saga.is_empty());
    }
}
