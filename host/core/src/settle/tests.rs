//! The machine under virtual time: claims one by one, then a whole folder's worth of writers at random.

use proptest::prelude::*;

use super::*;

/// A file that exists in virtual time only, and the host that watches it.
struct World {
    start: Instant,
    now: Instant,
    machine: Settle,
    /// The file's content, as a number, and its inode; none while it is absent.
    file: Option<(u64, u64)>,
    said: Vec<(Duration, Said)>,
    reads: Vec<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Settled(u64),
    Gone,
}

impl World {
    fn new() -> Self {
        let start = Instant::now();
        Self { start, now: start, machine: Settle::default(), file: None, said: vec![], reads: vec![] }
    }

    fn fingerprint(&self) -> Option<Fingerprint> {
        self.file.map(|(len, inode)| Fingerprint { len, modified_ns: i128::from(len), changed_ns: 0, inode })
    }

    fn look(&self) -> Look {
        self.fingerprint().map_or(Look::Missing, |fingerprint| {
            let digest = Digest::of(&fingerprint.len.to_le_bytes());
            Look::Content(Content { len: fingerprint.len, digest, fingerprint })
        })
    }

    /// Does what the machine asks for; reads take no time.
    fn settle(&mut self) {
        loop {
            match self.machine.poll(self.now) {
                Decision::Wait => return,
                Decision::Read(ticket) => {
                    self.reads.push(self.now - self.start);
                    let look = self.look();
                    self.machine.record(self.now, Fact::Looked(ticket, look));
                }
                Decision::Settled(content) => self.said.push((self.now - self.start, Said::Settled(content.len))),
                Decision::Gone => self.said.push((self.now - self.start, Said::Gone)),
                Decision::Unreadable => unreachable!("this file is always readable"),
            }
        }
    }

    fn tell(&mut self, fact: Fact) {
        self.machine.record(self.now, fact);
        self.settle();
    }

    fn scan(&mut self) {
        let fact = self.fingerprint().map_or(Fact::Absent, Fact::Seen);
        self.tell(fact);
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(deadline) = self.machine.deadline().filter(|at| *at <= until) {
            self.now = self.now.max(deadline);
            self.settle();
        }
        self.now = until;
    }
}

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_close_after_writing_is_read_at_once() {
    let mut world = World::new();
    world.tell(Fact::Written);
    world.pass(10 * MS);
    world.file = Some((7, 1));
    world.tell(Fact::Closed);
    assert_eq!(world.said, [(10 * MS, Said::Settled(7))]);
}

#[test]
fn a_rename_into_place_is_read_at_once() {
    let mut world = World::new();
    world.file = Some((7, 1));
    world.tell(Fact::RenamedIn);
    assert_eq!(world.said, [(Duration::ZERO, Said::Settled(7))]);
}

#[test]
fn without_notifications_two_equal_reads_settle() {
    let mut world = World::new();
    world.file = Some((1, 1));
    world.scan();
    world.pass(20 * MS);
    world.file = Some((2, 1));
    world.pass(500 * MS);
    assert_eq!(world.said, [(2 * READ_GAP, Said::Settled(2))]);
}

#[test]
fn a_file_being_written_waits_for_its_close() {
    let mut world = World::new();
    world.file = Some((1, 1));
    for _ in 0..10 {
        world.tell(Fact::Written);
        world.pass(QUIET - MS);
    }
    assert_eq!(world.reads, [], "every write begins the wait anew");
    world.pass(MS + READ_GAP);
    assert_eq!(world.said.len(), 1, "a close that never comes is given up");
}

#[test]
fn removing_and_copying_at_once_leaves_no_gap() {
    let mut world = World::new();
    world.file = Some((1, 1));
    world.tell(Fact::RenamedIn);
    world.file = None;
    world.tell(Fact::Removed);
    world.pass(REMOVAL_GRACE / 2);
    world.file = Some((2, 2));
    world.tell(Fact::Written);
    world.tell(Fact::Closed);
    world.pass(QUIET);
    assert_eq!(world.said.iter().map(|(_, said)| *said).collect::<Vec<_>>(), [Said::Settled(1), Said::Settled(2)]);
}

#[test]
fn a_removal_counts_after_its_grace() {
    let mut world = World::new();
    world.file = Some((1, 1));
    world.tell(Fact::RenamedIn);
    world.file = None;
    world.tell(Fact::Removed);
    world.pass(QUIET);
    assert_eq!(world.said[1], (REMOVAL_GRACE, Said::Gone));
    assert!(world.machine.is_done());
    world.scan();
    assert!(world.machine.is_done(), "a scan that does not see it either says nothing new");
}

#[test]
fn an_older_read_settles_nothing() {
    let mut world = World::new();
    world.file = Some((1, 1));
    world.machine.record(world.now, Fact::Closed);
    let Decision::Read(old) = world.machine.poll(world.now) else { panic!("a read is due") };
    let stale = world.look();
    world.file = Some((2, 1));
    world.machine.record(world.now, Fact::Closed);
    world.machine.record(world.now, Fact::Looked(old, stale));
    world.settle();
    assert_eq!(world.said, [(Duration::ZERO, Said::Settled(2))]);
}

#[test]
fn an_unchanged_file_is_not_read_again() {
    let mut world = World::new();
    world.file = Some((1, 1));
    world.tell(Fact::Closed);
    for _ in 0..5 {
        world.scan();
        world.pass(QUIET);
    }
    assert_eq!(world.reads.len(), 1);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Pass(u16),
    /// Some bytes are written; the flag says whether a notification comes.
    Write(bool),
    Close(bool),
    Replace(bool),
    Remove(bool),
    Scan,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3000u16).prop_map(Step::Pass),
        any::<bool>().prop_map(Step::Write),
        any::<bool>().prop_map(Step::Close),
        any::<bool>().prop_map(Step::Replace),
        any::<bool>().prop_map(Step::Remove),
        Just(Step::Scan),
    ]
}

proptest! {
    /// Whatever was written, notified or not: once the file is left alone and scanned, the last word is the truth,
    /// and no removal was announced that did not last. A file that came and went again between two looks, without a
    /// notification, is not something that anybody can know of.
    #[test]
    fn the_last_word_is_the_truth(steps in prop::collection::vec(step(), 0..40)) {
        let mut world = World::new();
        let (mut version, mut inode, mut absent_since) = (0, 0, Some(world.now));
        for step in steps {
            let said_before = world.said.len();
            let absent_before = absent_since;
            match step {
                Step::Pass(ms) => world.pass(u32::from(ms) * MS),
                Step::Write(notified) => {
                    version += 1;
                    if world.file.is_none() { inode += 1; }
                    world.file = Some((version, inode));
                    if notified { absent_since = None; world.tell(Fact::Written); }
                }
                Step::Close(notified) => if notified && world.file.is_some() { world.tell(Fact::Closed) },
                Step::Replace(notified) => {
                    version += 1;
                    inode += 1;
                    world.file = Some((version, inode));
                    if notified { absent_since = None; world.tell(Fact::RenamedIn); }
                }
                Step::Remove(notified) => {
                    world.file = None;
                    absent_since = absent_since.or(Some(world.now));
                    if notified { world.tell(Fact::Removed); }
                }
                Step::Scan => {
                    absent_since = absent_since.filter(|_| world.file.is_none());
                    world.scan();
                }
            }
            for (at, _) in world.said[said_before..].iter().filter(|(_, said)| *said == Said::Gone) {
                prop_assert!(world.file.is_none(), "announced as gone while it was there");
                let lasted = absent_before.is_some_and(|since| world.start + *at >= since + REMOVAL_GRACE);
                prop_assert!(lasted, "announced as gone before it was absent for the grace");
            }
        }
        for _ in 0..4 {
            world.scan();
            world.pass(QUIET + REMOVAL_GRACE);
        }
        let last = world.said.last().map(|(_, said)| *said);
        match world.file {
            Some((version, _)) => prop_assert_eq!(last, Some(Said::Settled(version))),
            None => prop_assert!(last.is_none_or(|said| said == Said::Gone)),
        }
        prop_assert!(world.machine.is_idle());
    }
}
