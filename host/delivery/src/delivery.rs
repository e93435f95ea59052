//! The handle: what everything else in this crate works on, and the loop that follows what is wanted.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use arc_swap::ArcSwap;
use switchyard_core::manifest::SubscriptionSpec;
use switchyard_dispatch::{Dispatcher, Webhooks};
use switchyard_store::Backend;
use tokio::sync::{Notify, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    announce::Announcer,
    config::{Config, DELIVERIES_MAX, IN_FLIGHT_MAX, LANE_WAIT_MAX},
    error::Error,
    filter::Filter,
    places::{self, Places},
    queue::Consumers,
    saga::{Sagas, Trial},
    schedule::Schedules,
    subscription::Subscriptions,
    topics::TopicStats,
};

/// How long to wait before what failed for want of the store is tried again.
pub(crate) const STORE_RETRY: Duration = Duration::from_secs(1);

/// Events, queues, sagas and the clock of a host.
pub struct Delivery {
    me: Weak<Self>,
    pub(crate) store: Arc<dyn Backend>,
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) webhooks: Webhooks,
    config: ArcSwap<Config>,
    pub(crate) places: Arc<Places>,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) consumers: Consumers,
    pub(crate) topics: TopicStats,
    pub(crate) announcer: Announcer,
    /// Places of tasks that redrive many dead letters.
    pub(crate) redrives: Arc<Semaphore>,
    pub(crate) sagas: Sagas,
    /// The schedules that are wanted, by the keys of their timers.
    pub(crate) schedules: Schedules,
    /// What is wanted may have changed: subscriptions, consumers, schedules.
    pub(crate) wanted: Notify,
    /// The first timer may be another one.
    pub(crate) timers: Notify,
    /// Workers, and the deliveries under way.
    pub(crate) tasks: TaskTracker,
    /// Cancelled to stop the workers; what is under way goes on.
    pub(crate) stop: CancellationToken,
}

// === impl Delivery ===

impl Delivery {
    /// Delivery on this store, to the services of this dispatcher. It does nothing by itself before
    /// [`run`](Self::run); publishing and enqueueing work at once.
    pub fn new(store: Arc<dyn Backend>, dispatcher: Arc<Dispatcher>, config: Config) -> Arc<Self> {
        Self::on_trial(store, dispatcher, config, None)
    }

    /// As [`new`](Self::new), to try out definitions of sagas.
    pub fn on_trial(
        store: Arc<dyn Backend>,
        dispatcher: Arc<Dispatcher>,
        config: Config,
        trial: Option<Trial>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            store,
            dispatcher,
            webhooks: Webhooks::new(),
            config: ArcSwap::from_pointee(config),
            places: Places::new(places::Config {
                count: DELIVERIES_MAX,
                share_max: IN_FLIGHT_MAX,
                wait_max: LANE_WAIT_MAX,
            }),
            subscriptions: Subscriptions::default(),
            consumers: Consumers::default(),
            topics: TopicStats::default(),
            announcer: Announcer::new(),
            redrives: Self::redrive_places(),
            sagas: Sagas::new(trial),
            schedules: Schedules::default(),
            wanted: Notify::new(),
            timers: Notify::new(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        })
    }

    /// Delivers until `stop` is cancelled; then nothing new begins, and what is under way has the time of `drain`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken, drain: Duration) {
        self.tasks.spawn(Arc::clone(&self).announce_all());
        self.tasks.spawn(Arc::clone(&self).fire_timers());
        self.tasks.spawn(Arc::clone(&self).expire());
        self.tasks.spawn(Arc::clone(&self).take_sagas_over());
        self.tasks.spawn(Arc::clone(&self).wake_sagas());
        self.follow(&stop).await;
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(drain, self.tasks.wait()).await.is_err() {
            tracing::warn!(?drain, "deliveries did not finish in time; they are delivered again at the next start");
        }
        self.leave_sagas().await;
    }

    /// Takes another configuration into use, at once.
    pub fn reconfigure(&self, config: Config) {
        self.config.store(Arc::new(config));
        self.wanted.notify_one();
    }

    /// Whether a subscription's filter can be evaluated; everything else about it is checked by its own `check`.
    ///
    /// # Errors
    /// When it cannot; the text says why.
    pub fn check(spec: &SubscriptionSpec) -> Result<(), Error> {
        let filter = spec.filter.as_deref().map(Filter::new).transpose();
        filter.map(drop).map_err(|error| Error::Invalid(error.to_string()))
    }

    pub(crate) fn config(&self) -> Arc<Config> {
        self.config.load_full()
    }

    /// Itself, for tasks.
    pub(crate) fn me(&self) -> Option<Arc<Self>> {
        self.me.upgrade()
    }

    /// Makes workers for what is wanted, and ends those for what is not, at each change.
    async fn follow(self: &Arc<Self>, stop: &CancellationToken) {
        let mut snapshots = self.dispatcher.changes();
        let mut loaded = false;
        loop {
            // What was asked for over the API is known before anything is compared with it.
            loaded = loaded || self.load_subscriptions().await;
            snapshots.mark_unchanged();
            self.follow_subscriptions();
            self.follow_consumers();
            let done = loaded & self.follow_schedules().await;
            let again = async {
                match done {
                    true => std::future::pending().await,
                    false => tokio::time::sleep(STORE_RETRY).await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wanted.notified() => {}
                changed = snapshots.changed() => if changed.is_err() { return },
                () = again => {}
            }
        }
    }
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery").finish_non_exhaustive()
    }
}
