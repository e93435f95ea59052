//! What the test does, in words that become operations once the model's state is known.

use proptest::prelude::*;

use super::{CURSORS, Model, QUEUES, TOPICS};
use crate::{
    Append, CursorOp, CursorStart, DeadLetter, DeadOp, DeadOrigin, Enqueue, Lease, LeaseRef, LogOp, Op, OwnerOp,
    QueueOp, Retry, Settled, Timer, TimerOp,
};
use switchyard_core::timestamp::Timestamp;

/// How long a record has duplicates.
const WINDOW_MS: u64 = 1_500;

#[derive(Debug, Clone)]
pub(super) enum Action {
    Append { topic: usize, id: u8, volatile: bool },
    Expire { topic: usize, age: u64, max: usize },
    Open { cursor: usize, start: Start },
    Seek { cursor: usize, start: Start },
    Settle { cursor: usize, right: bool, sequence: u64, floor: u64, attempts: Option<u32> },
    Advance { cursor: usize, right: bool, floor: u64 },
    Redeliver { cursor: usize, sequence: u64, brings: bool },
    Remove { cursor: usize },
    Enqueue { queue: usize, priority: u8, delay: u64, dedup: Option<u8>, size_max: u64, large: bool },
    EnqueueAgain { queue: usize, which: usize },
    Lease { queue: usize, max: usize, lasts: u64 },
    Release { queue: usize, which: usize, right: bool, how: How },
    ExpireDedup { max: usize },
    DeadPut { id: u8, event: bool },
    DeadRemove { id: u8 },
    TimerSet { key: u8, due: u64 },
    TimerClear { key: u8, due: Option<u64> },
    Claim { resource: u8, owner: u8, lasts: u64 },
    Assert { resource: u8, right: bool },
    LetGo { resource: u8, right: bool },
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Start {
    Latest,
    First,
    After(u64),
    Ago(u64),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum How {
    Ack,
    Fail,
    Return(u64),
    Extend(u64),
}

pub(super) fn action() -> impl Strategy<Value = Action> {
    prop_oneof![5 => log(), 6 => cursor(), 10 => queue(), 4 => other()]
}

fn log() -> impl Strategy<Value = Action> {
    let append = (0..TOPICS.len(), 0..8_u8, prop::bool::weighted(0.2));
    let expire = (0..TOPICS.len(), 0..300_u64, 0..4_usize);
    prop_oneof![
        3 => append.prop_map(|(topic, id, volatile)| Action::Append { topic, id, volatile }),
        1 => expire.prop_map(|(topic, age, max)| Action::Expire { topic, age, max }),
    ]
}

fn cursor() -> impl Strategy<Value = Action> {
    let start = || {
        prop_oneof![
            Just(Start::Latest),
            Just(Start::First),
            (0..6_u64).prop_map(Start::After),
            (0..2_000_u64).prop_map(Start::Ago),
        ]
    };
    let cursor = || 0..CURSORS.len();
    let right = || prop::bool::weighted(0.9);
    let floor = || prop_oneof![4 => Just(0), 1 => 0..9_u64];
    let settle = (cursor(), right(), 0..9_u64, floor(), prop::option::weighted(0.4, 0..4_u32));
    prop_oneof![
        3 => (cursor(), start()).prop_map(|(cursor, start)| Action::Open { cursor, start }),
        1 => (cursor(), start()).prop_map(|(cursor, start)| Action::Seek { cursor, start }),
        6 => settle.prop_map(|(cursor, right, sequence, floor, attempts)| {
            Action::Settle { cursor, right, sequence, floor, attempts }
        }),
        1 => (cursor(), right(), 0..12_u64)
            .prop_map(|(cursor, right, floor)| Action::Advance { cursor, right, floor }),
        2 => (cursor(), 0..9_u64, any::<bool>())
            .prop_map(|(cursor, sequence, brings)| Action::Redeliver { cursor, sequence, brings }),
        1 => cursor().prop_map(|cursor| Action::Remove { cursor }),
    ]
}

fn queue() -> impl Strategy<Value = Action> {
    let queue = || 0..QUEUES.len();
    let delay = prop_oneof![2 => Just(0_u64), 1 => 1..400_u64];
    let dedup = prop::option::weighted(0.3, 0..3_u8);
    let enqueue = (queue(), 0..4_u8, delay, dedup, 1..12_u64, prop::bool::weighted(0.1));
    let how = prop_oneof![
        3 => Just(How::Ack),
        1 => Just(How::Fail),
        2 => prop_oneof![Just(0_u64), 1..300_u64].prop_map(How::Return),
        1 => (0..900_u64).prop_map(How::Extend),
    ];
    let release = (queue(), 0..6_usize, prop::bool::weighted(0.9), how);
    prop_oneof![
        6 => enqueue.prop_map(|(queue, priority, delay, dedup, size_max, large)| {
            Action::Enqueue { queue, priority: priority * 3, delay, dedup, size_max, large }
        }),
        1 => (queue(), 0..6_usize).prop_map(|(queue, which)| Action::EnqueueAgain { queue, which }),
        4 => (queue(), 0..4_usize, 1..600_u64)
            .prop_map(|(queue, max, lasts)| Action::Lease { queue, max, lasts }),
        5 => release.prop_map(|(queue, which, right, how)| Action::Release { queue, which, right, how }),
        1 => (0..3_usize).prop_map(|max| Action::ExpireDedup { max }),
    ]
}

fn other() -> impl Strategy<Value = Action> {
    prop_oneof![
        (0..6_u8, any::<bool>()).prop_map(|(id, event)| Action::DeadPut { id, event }),
        (0..6_u8).prop_map(|id| Action::DeadRemove { id }),
        (0..4_u8, 0..5_u64).prop_map(|(key, due)| Action::TimerSet { key, due }),
        (0..4_u8, prop::option::of(0..5_u64)).prop_map(|(key, due)| Action::TimerClear { key, due }),
        (0..2_u8, 0..3_u8, 0..500_u64).prop_map(|(resource, owner, lasts)| Action::Claim { resource, owner, lasts }),
        (0..2_u8, prop::bool::weighted(0.8)).prop_map(|(resource, right)| Action::Assert { resource, right }),
        (0..2_u8, prop::bool::weighted(0.8)).prop_map(|(resource, right)| Action::LetGo { resource, right }),
    ]
}

// === impl Model ===

impl Model {
    /// The operation that an action is in the present state.
    pub(super) fn op(&mut self, action: &Action) -> Op {
        self.fresh += 1;
        let now = self.now;
        let later = |ms: u64| Timestamp(now.0 + ms);
        let ago = |ms: u64| Timestamp(now.0.saturating_sub(ms));
        match action.clone() {
            Action::Append { topic, id, volatile } => LogOp::Append(Append {
                topic: TOPICS[topic].into(),
                source: "/s".into(),
                id: id.to_string().into(),
                // Never back, as the store asks for.
                duplicates_since: Timestamp(self.latest.0.saturating_sub(WINDOW_MS)),
                published_at: now,
                volatile,
                record: format!("record {}", self.fresh).into(),
            })
            .into(),
            Action::Expire { topic, age, max } => {
                LogOp::Expire { topic: TOPICS[topic].into(), before: ago(age), max }.into()
            }
            Action::Open { cursor, start } => {
                CursorOp::Open { name: CURSORS[cursor].into(), start: start.at(ago) }.into()
            }
            Action::Seek { cursor, start } => CursorOp::Seek { name: CURSORS[cursor].into(), to: start.at(ago) }.into(),
            Action::Settle { cursor, right, sequence, floor, attempts } => {
                let (name, epoch) = (CURSORS[cursor].into(), self.cursors.epoch(CURSORS[cursor], right));
                let (sequence, floor) = self.cursors.above_floor(CURSORS[cursor], sequence, floor);
                let retry = |attempts| Settled::Retry { attempts, due: later(50), reason: "long reason".into() };
                let settled = attempts.map_or(Settled::Done, retry);
                CursorOp::Settle { name, epoch, sequence, floor, settled }.into()
            }
            Action::Advance { cursor, right, floor } => {
                let (name, epoch) = (CURSORS[cursor].into(), self.cursors.epoch(CURSORS[cursor], right));
                CursorOp::Advance { name, epoch, floor }.into()
            }
            Action::Redeliver { cursor, sequence, brings } => {
                let (sequence, _) = self.cursors.above_floor(CURSORS[cursor], sequence, 0);
                let record = brings.then(|| format!("event {sequence}").into());
                let retry = Retry { sequence, attempts: 0, due: now, reason: "redriven".into(), record };
                CursorOp::Redeliver { name: CURSORS[cursor].into(), retry }.into()
            }
            Action::Remove { cursor } => CursorOp::Remove { name: CURSORS[cursor].into() }.into(),
            action => self.queue_op(action).unwrap_or_else(|action| self.other_op(action)),
        }
    }

    fn queue_op(&mut self, action: Action) -> Result<Op, Action> {
        let now = self.now;
        let later = |ms: u64| Timestamp(now.0 + ms);
        let op = match action {
            Action::Enqueue { queue, priority, delay, dedup, size_max, large } => QueueOp::Enqueue(Enqueue {
                queue: QUEUES[queue].into(),
                id: format!("m{:05}", self.fresh).into(),
                data: vec![7; if large { 9_000 } else { usize::try_from(self.fresh % 9).unwrap() }].into(),
                priority,
                enqueued_at: now,
                ready_at: later(delay),
                dedup: dedup.map(|key| (key.to_string().into(), later(400))),
                size_max,
            }),
            Action::EnqueueAgain { queue, which } => QueueOp::Enqueue(Enqueue {
                queue: QUEUES[queue].into(),
                id: self.queues.any_id(which),
                data: "again".into(),
                priority: 0,
                enqueued_at: now,
                ready_at: now,
                dedup: None,
                size_max: 100,
            }),
            Action::Lease { queue, max, lasts } => QueueOp::Lease(Lease {
                queue: QUEUES[queue].into(),
                max,
                token: format!("t{}", self.fresh).into(),
                now,
                until: later(lasts),
                lane_wait_max: std::time::Duration::from_millis(1_000),
            }),
            Action::Release { queue, which, right, how } => {
                let (id, token) = self.queues.any_lease(QUEUES[queue], which);
                let token = if right { token } else { "wrong".into() };
                let lease = LeaseRef { queue: QUEUES[queue].into(), id, token, now };
                match how {
                    How::Ack => QueueOp::Ack { lease },
                    How::Fail => QueueOp::Fail { lease },
                    How::Extend(ms) => QueueOp::Extend { lease, until: later(ms) },
                    How::Return(ms) => {
                        let failures = u32::try_from(self.fresh % 5).unwrap();
                        QueueOp::Return { lease, ready_at: later(ms), failures, reason: "long reason".into() }
                    }
                }
            }
            Action::ExpireDedup { max } => QueueOp::ExpireDedup { before: now, max },
            action => return Err(action),
        };
        Ok(op.into())
    }

    fn other_op(&mut self, action: Action) -> Op {
        let now = self.now;
        match action {
            Action::DeadPut { id, event } => {
                let origin = if event {
                    let (subscription, topic) = (CURSORS[0].into(), TOPICS[usize::from(id % 2)].into());
                    DeadOrigin::Event { subscription, topic, sequence: self.fresh }
                } else {
                    let (queue, id) = (QUEUES[usize::from(id % 2)].into(), "m".into());
                    DeadOrigin::Message { queue, id, priority: 3, enqueued_at: now }
                };
                let (id, record) = (format!("d{id}").into(), format!("letter {}", self.fresh).into());
                let letter = DeadLetter { id, origin, attempts: 3, error: "long".into(), failed_at: now, record };
                DeadOp::Put(letter).into()
            }
            Action::DeadRemove { id } => DeadOp::Remove { id: format!("d{id}").into() }.into(),
            Action::TimerSet { key, due } => {
                let payload = self.fresh.to_string().into();
                TimerOp::Set(Timer { key: format!("k{key}").into(), due: Timestamp(due), payload }).into()
            }
            Action::TimerClear { key, due } => {
                TimerOp::Clear { key: format!("k{key}").into(), due: due.map(Timestamp) }.into()
            }
            Action::Claim { resource, owner, lasts } => OwnerOp::Claim {
                resource: format!("r{resource}").into(),
                owner: format!("o{owner}").into(),
                now,
                until: Timestamp(now.0 + lasts),
            }
            .into(),
            Action::Assert { resource, right } => {
                let resource = format!("r{resource}");
                let token = self.others.token(&resource, right);
                OwnerOp::Assert { resource: resource.into(), token }.into()
            }
            Action::LetGo { resource, right } => {
                let resource = format!("r{resource}");
                let token = self.others.token(&resource, right);
                OwnerOp::Release { resource: resource.into(), token }.into()
            }
            action => unreachable!("{action:?} has no operation"),
        }
    }
}

// === impl Start ===

impl Start {
    fn at(self, ago: impl Fn(u64) -> Timestamp) -> CursorStart {
        match self {
            Start::Latest => CursorStart::Latest,
            Start::First => CursorStart::First,
            Start::After(sequence) => CursorStart::After(sequence),
            Start::Ago(ms) => CursorStart::Time(ago(ms)),
        }
    }
}
