//! Asks services and their dependencies how they are, and tells the gateway.
//!
//! A service with a health path is called in process, like any caller would. A dependency with a URL is asked the way
//! its service itself would ask, under the same allow-list: a manifest opens no door that the operator has not
//! opened. A dependency without one is another service of this host: what is known of that is passed on as it is, after
//! the services have answered.

mod ask;
mod probes;
mod registry;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::SystemTime,
};

use switchyard_core::{
    health::{Check, CheckStatus, Checker, Config, Thresholds},
    manifest::Dependency,
    name::{Generation, ServiceName},
};
use switchyard_dispatch::{Dispatcher, Snapshot};
use switchyard_gateway::Handle;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{config, reload};
use ask::{Answer, Question, ask};

pub(crate) use probes::{Probed, Prober};

/// How many checks run at the same time.
const CHECKS_MAX: usize = 16;

/// The latest checks of services that have a health path.
pub(crate) type Checks = Arc<BTreeMap<ServiceName, Check>>;

/// Polls until it is told to stop.
pub(crate) struct Poller {
    dispatcher: Arc<Dispatcher>,
    gateway: Handle,
    config: watch::Receiver<Arc<config::Config>>,
    followed: BTreeMap<Subject, Followed>,
    /// Dependencies without a URL, which the registry answers for.
    registered: BTreeSet<String>,
    checks: watch::Sender<Checks>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Service(ServiceName),
    Dependency(String),
}

struct Followed {
    /// A new generation is believed anew.
    generation: Option<Generation>,
    checker: Checker,
}

// === impl Poller ===

impl Poller {
    /// Ready to [`run`](Self::run); the receiver shows the latest checks of services.
    pub(crate) fn new(
        dispatcher: Arc<Dispatcher>,
        gateway: Handle,
        config: watch::Receiver<Arc<config::Config>>,
    ) -> (Self, watch::Receiver<Checks>) {
        let (checks, receiver) = watch::channel(Checks::default());
        (Self { dispatcher, gateway, config, followed: BTreeMap::new(), registered: BTreeSet::new(), checks }, receiver)
    }

    /// Polls in each period of the configuration, and what is new as soon as it is there.
    pub(crate) async fn run(mut self, mut plugins: reload::Handle, stop: CancellationToken) {
        let mut moves = self.dispatcher.breaker_changes();
        let mut how = self.how();
        let mut period = interval(how.period);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let only_new = tokio::select! {
                () = stop.cancelled() => return,
                _ = period.tick() => false,
                Ok(()) = self.config.changed() => {
                    let newer = self.config.borrow_and_update().health;
                    if newer != how {
                        how = newer;
                        self.retune(how.thresholds);
                        period = interval(how.period);
                        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
                    }
                    true
                }
                // Dependencies are as well as their services; that some moves were missed is no matter.
                _ = moves.recv() => true,
                more = plugins.changed() => match more {
                    true => true,
                    false => return,
                },
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.poll(only_new, plugins.shown().is_ready) => {}
            }
        }
    }

    async fn poll(&mut self, only_new: bool, is_ready: bool) {
        let snapshot = self.dispatcher.snapshot();
        let (questions, registered) = self.questions(&snapshot);
        self.forget(&questions, &registered);
        self.registered = registered;
        let mut asked = JoinSet::new();
        for question in questions {
            let followed = self.followed.get(&question.subject);
            let is_new = followed.is_none_or(|followed| followed.generation != question.generation);
            if is_new {
                self.follow(&question);
            } else if only_new {
                continue;
            }
            if asked.len() >= CHECKS_MAX
                && let Some(Ok(answer)) = asked.join_next().await
            {
                self.record(answer);
            }
            asked.spawn(ask(Arc::clone(&self.dispatcher), question));
        }
        while let Some(Ok(answer)) = asked.join_next().await {
            self.record(answer);
        }
        let checks = self.checks.borrow().clone();
        for name in &self.registered {
            let known = registry::Known::of(name, &snapshot, &checks);
            self.gateway.set_dependency(name, registry::check(name, known, is_ready, SystemTime::now().into()));
        }
    }

    /// What there is to ask, and the dependencies that the registry answers for. Of two services that name the same
    /// dependency, the first by name asks for both.
    fn questions(&self, snapshot: &Snapshot) -> (Vec<Question>, BTreeSet<String>) {
        let config = self.config.borrow().clone();
        let timeout = config.health.timeout;
        let mut questions = Vec::new();
        let (mut named, mut registered) = (BTreeSet::new(), BTreeSet::new());
        for service in snapshot.services.values() {
            let outbound: Arc<[String]> = config.settings(service.name(), None).outbound.into();
            if let (Some(path), Some(local)) = (&service.manifest.health, &service.local) {
                questions.push(Question {
                    subject: Subject::Service(service.name().clone()),
                    generation: local.generation(),
                    service: Arc::clone(service),
                    target: path.clone(),
                    timeout,
                    outbound: Arc::clone(&outbound),
                });
            }
            for Dependency { name, health_url, timeout: own } in &service.manifest.dependencies {
                if !named.insert(name.clone()) {
                    continue;
                }
                let Some(url) = health_url else {
                    registered.insert(name.clone());
                    continue;
                };
                questions.push(Question {
                    subject: Subject::Dependency(name.clone()),
                    generation: None,
                    service: Arc::clone(service),
                    target: url.clone(),
                    timeout: own.map_or(timeout, |own| own.0),
                    outbound: Arc::clone(&outbound),
                });
            }
        }
        (questions, registered)
    }

    /// How the configuration wants things to be checked.
    fn how(&self) -> Config {
        self.config.borrow().health
    }

    /// Goes by other thresholds; what is believed stays.
    fn retune(&mut self, thresholds: Thresholds) {
        for followed in self.followed.values_mut() {
            followed.checker = retuned(&followed.checker, thresholds);
        }
    }

    fn follow(&mut self, question: &Question) {
        let checker = Checker::new(self.how().thresholds);
        self.followed.insert(question.subject.clone(), Followed { generation: question.generation, checker });
        if let Subject::Dependency(name) = &question.subject {
            self.gateway.set_dependency(name, Check::default());
        }
    }

    fn forget(&mut self, questions: &[Question], registered: &BTreeSet<String>) {
        for name in self.registered.difference(registered) {
            self.gateway.remove_dependency(name);
        }
        let wanted: BTreeSet<&Subject> = questions.iter().map(|question| &question.subject).collect();
        let gone: Vec<_> = self.followed.keys().filter(|subject| !wanted.contains(subject)).cloned().collect();
        for subject in gone {
            self.followed.remove(&subject);
            match subject {
                Subject::Dependency(name) => self.gateway.remove_dependency(&name),
                Subject::Service(name) => {
                    self.gateway.remove_service_check(&name);
                    self.checks.send_modify(|checks| _ = Arc::make_mut(checks).remove(&name));
                }
            }
        }
    }

    fn record(&mut self, answer: Answer) {
        let Some(followed) = self.followed.get_mut(&answer.subject) else { return };
        if followed.generation != answer.generation {
            return;
        }
        if let Some(change) = followed.checker.record(answer.result.is_ok()) {
            let error = answer.result.as_ref().err();
            tracing::info!(subject = %answer.subject, from = ?change.from, to = ?change.to, error, "health has changed");
        }
        let status = followed.checker.status();
        let check = Check::of(status, SystemTime::now().into(), answer.took, answer.result.err());
        match answer.subject {
            Subject::Dependency(name) => self.gateway.set_dependency(&name, check),
            Subject::Service(name) => {
                if let Some(local) = &answer.service.local {
                    local.set_health(status);
                }
                self.gateway.set_service_check(name.clone(), check.clone());
                self.checks.send_modify(|checks| _ = Arc::make_mut(checks).insert(name, check));
            }
        }
    }
}

/// A checker with other thresholds that believes the same: the first result is believed at once.
fn retuned(checker: &Checker, thresholds: Thresholds) -> Checker {
    let mut newer = Checker::new(thresholds);
    if checker.status() != CheckStatus::Unknown {
        newer.record(checker.status() == CheckStatus::Healthy);
    }
    newer
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Service(name) => write!(f, "service {name}"),
            Self::Dependency(name) => write!(f, "dependency {name}"),
        }
    }
}
