//! A host and its participants, in virtual time: the host crashes, and participants do what they are asked, or not,
//! and answer once, twice, late or never. They are naive but for one thing: a key that they know they answer as they
//! did, and do nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// What participants and people do; the number chooses among what there is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    /// The next thing in time happens; a participant who is asked then behaves like this.
    Go(Manner),
    /// The host crashes: before the next commit, or after it and before anything is sent.
    Crash {
        before: bool,
        manner: Manner,
    },
    Cancel,
    Retry {
        edited: bool,
    },
    Force,
    Signal(u8),
    /// An answer that was given comes again.
    Again(u8),
}

/// How a participant takes a command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) does: Does,
    pub(super) answers: Answers,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Does {
    Work,
    Reject,
    Later,
    Pause,
    /// The command gets lost on the way.
    Nothing,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Answers {
    Once,
    Twice,
    /// After the deadline.
    Late,
    Never,
    /// It traps after it has done its work.
    Trap,
}

pub(super) const WELL: Manner = Manner { does: Does::Work, answers: Answers::Once };

pub(super) struct World {
    pub(super) saga: Saga,
    pub(super) journal: Vec<Event>,
    pub(super) now: Timestamp,
    manner: Manner,
    /// Sent in this life of the host.
    sent: BTreeSet<CommandId>,
    /// Answers on their way.
    letters: Vec<(Timestamp, CommandId, Outcome)>,
    given: Vec<(CommandId, Outcome)>,
    /// What participants have answered for good, by key.
    known: BTreeMap<String, Outcome>,
    /// The first payload of each key, since the data was edited last.
    payloads: BTreeMap<String, Value>,
    /// How often each step was done, and undone.
    pub(super) effects: Vec<(u32, u32)>,
    crash: Option<bool>,
}

impl World {
    pub(super) fn new(definition: Arc<Definition>) -> Self {
        let steps = definition.steps().len();
        let now = Timestamp(1_000);
        let (saga, event) = Saga::start("s".parse().unwrap(), definition, json!({"n": 0}), now).unwrap();
        let mut world = Self {
            saga,
            journal: vec![event],
            now,
            manner: WELL,
            sent: BTreeSet::new(),
            letters: Vec::new(),
            given: Vec::new(),
            known: BTreeMap::new(),
            payloads: BTreeMap::new(),
            effects: vec![(0, 0); steps],
            crash: None,
        };
        world.turn(None);
        world
    }

    pub(super) fn act(&mut self, act: Act) {
        match act {
            Act::Go(manner) => self.go(manner),
            Act::Crash { before, manner } => {
                self.crash = Some(before);
                self.go(manner);
                if self.crash.take().is_some() {
                    self.restart();
                }
            }
            Act::Cancel => self.want(self.saga.cancel(self.now)),
            Act::Force => self.want(self.saga.force_compensation(self.now)),
            Act::Retry { edited } => {
                let data = edited.then(|| json!({"n": self.journal.len()}));
                let wanted = self.saga.retry(data, self.now);
                if edited && wanted.is_ok() {
                    self.payloads.clear();
                }
                self.want(wanted);
            }
            Act::Signal(n) => {
                let name = format!("signal-{}", n % 3);
                self.want(self.saga.signal(&name, json!({"by": n}), self.now));
            }
            Act::Again(n) => {
                if let Some((command, outcome)) = self.given.get(usize::from(n) % self.given.len().max(1)).cloned() {
                    self.hear(command, outcome);
                }
            }
        }
    }

    /// Something that people want is refused, or done like everything else.
    fn want(&mut self, wanted: Result<Event, Refused>) {
        if let Ok(event) = wanted {
            self.turn(Some(event));
        }
    }

    /// Time passes until a letter comes or the saga wants to be asked. Answers whether there is such a time.
    pub(super) fn go(&mut self, manner: Manner) {
        self.manner = manner;
        let letter =
            self.letters.iter().enumerate().min_by_key(|(_, (at, ..))| *at).map(|(place, (at, ..))| (*at, place));
        match (letter, self.saga.deadline()) {
            (Some((at, place)), deadline) if deadline.is_none_or(|deadline| at <= deadline) => {
                let (_, command, outcome) = self.letters.remove(place);
                self.now = self.now.max(at);
                self.hear(command, outcome);
            }
            (_, Some(deadline)) => {
                self.now = self.now.max(deadline);
                self.turn(None);
            }
            (_, None) => {}
        }
    }

    fn hear(&mut self, command: CommandId, outcome: Outcome) {
        if let Some(event) = self.saga.record(command, outcome, self.now, 0.5) {
            self.turn(Some(event));
        }
    }

    /// One turn of the owner: apply, commit, act; with a crash in between if there is to be one.
    fn turn(&mut self, event: Option<Event>) {
        let crash = self.crash.take();
        let progress = self.saga.advance(event, self.now, 0.5).unwrap();
        if crash == Some(true) {
            return self.restart();
        }
        self.journal.extend(progress.events);
        if crash == Some(false) {
            return self.restart();
        }
        self.send();
    }

    fn restart(&mut self) {
        self.saga = Saga::replay(Arc::clone(self.saga.definition()), &self.journal).unwrap();
        self.sent.clear();
        // Calls end with the host; some answers come by another way.
        let mut place = 0;
        self.letters.retain(|_| {
            place += 1;
            place % 2 == 0
        });
        let resumed = self.saga.resume(self.now, true);
        self.turn(resumed);
    }

    fn send(&mut self) {
        let actions = self.saga.decide(self.now, 0.5);
        assert!(!actions.iter().any(|action| matches!(action, Action::Journal(_))), "{actions:?}");
        for action in actions {
            if let Action::Send { command, deadline } = action
                && self.sent.insert(command)
            {
                self.participate(command, deadline);
            }
        }
    }

    /// A participant gets a command.
    fn participate(&mut self, id: CommandId, deadline: Timestamp) {
        let intent = |event: &Event| matches!(event.what, What::Intended { command, .. } if command == id);
        assert!(self.journal.iter().any(intent), "{id:?} was sent and not journalled");
        let command = self.saga.command(&id).expect("what is sent is open");
        let (key, payload) = (command.key.clone(), Value::from(command.payload));
        let first = self.payloads.entry(key.clone()).or_insert_with(|| payload.clone());
        assert_eq!(*first, payload, "{key}");

        let Some(outcome) = self.carry_out(id, key) else { return };
        let soon = self.now.plus(Duration::from_millis(5 + u64::from(id.step)));
        let mut post = |at, outcome: &Outcome| self.letters.push((at, id, outcome.clone()));
        match self.manner.answers {
            Answers::Once => post(soon, &outcome),
            Answers::Twice => [soon, soon].into_iter().for_each(|at| post(at, &outcome)),
            Answers::Late => post(deadline.plus(Duration::from_millis(700)), &outcome),
            Answers::Never => {}
            Answers::Trap => post(soon, &Outcome::Lost("it trapped".to_owned())),
        }
        self.given.push((id, outcome));
    }

    /// What a participant answers; none when it was not reached.
    fn carry_out(&mut self, id: CommandId, key: String) -> Option<Outcome> {
        if self.manner.does == Does::Nothing {
            return None;
        }
        if let Some(known) = self.known.get(&key) {
            return Some(known.clone());
        }
        let outcome = match self.manner.does {
            Does::Nothing => return None,
            Does::Later => return Some(Outcome::Failed(Failure::Retry("later".to_owned()))),
            Does::Pause => return Some(Outcome::Failed(Failure::Defer(Duration::from_millis(50)))),
            Does::Reject => Outcome::Failed(Failure::Reject("no".to_owned())),
            Does::Work => {
                let (done, undone) = &mut self.effects[id.step as usize];
                match id.direction {
                    Direction::Forward => {
                        assert_eq!(*undone, 0, "{id:?} after it was undone");
                        *done += 1;
                    }
                    Direction::Compensation => *undone += 1,
                }
                assert!(*done <= 1 && *undone <= 1, "{id:?} was carried out twice");
                Outcome::Done(json!({ format!("step-{}", id.step): id.attempt }))
            }
        };
        self.known.insert(key, outcome.clone());
        Some(outcome)
    }

    /// Everybody behaves until nothing more happens by itself.
    pub(super) fn settle(&mut self) {
        for _ in 0..400 {
            if self.letters.is_empty() && self.saga.deadline().is_none() {
                return;
            }
            self.go(WELL);
        }
        panic!("it does not end: {:?}", self.saga.view());
    }
}
