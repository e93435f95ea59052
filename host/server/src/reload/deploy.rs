//! Changes of the folder that operators ask for: deploy, roll back, remove.
//!
//! What is asked for is looked at as a load would, before the folder changes; then its files are put in place, and the
//! folder is followed as ever. While files change their names, nobody acts on the half of them. A stem has one change at
//! a time, and others wait for their turn.
//!
//! **Invariants**: what is refused has changed nothing in the folder; who is answered that something is live, finds it
//! taking traffic.

mod begin;
mod check;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use switchyard_core::{
    folder::{self, Item, Source, Wanted},
    name::Digest,
};
use tokio::sync::oneshot;

use super::{
    Job, Reloader,
    change::{Command, Done, Refusal, Reply},
    good::Kept,
    load::in_one_line,
    place::PlaceError,
    stem::Leaving,
};

/// The most changes that wait for others of their stems.
const WAITING_MAX: usize = 64;

/// For so long after files were put in place, what the watcher says of them may be of before.
const PLACED_FOR: Duration = Duration::from_secs(5);

/// The changes under way, and those that wait.
#[derive(Default)]
pub(super) struct Changes {
    /// What was put in place by stem, and when.
    placed: BTreeMap<String, (Source, Instant)>,
    under_way: BTreeMap<String, UnderWay>,
    waiting: VecDeque<Command>,
}

/// A change under way.
struct UnderWay {
    stage: Stage,
    is_new: bool,
    /// None when the host itself wanted it.
    reply: Option<oneshot::Sender<Reply>>,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It is being looked at; the folder is as it was.
    Checking,
    /// Files get their names, or lose them.
    Placing,
    /// The folder has it; it is live once it is loaded.
    Loading(Source),
    /// Its files are gone, and what is under way finishes.
    Leaving,
}

/// Something that ran beside the reloader, for a stem, and ended.
pub(super) enum Step {
    Checked(String, Result<Box<Kept>, Refusal>),
    Placed(String, Box<Kept>, Result<(), PlaceError>),
    TakenOut(String, Result<(), PlaceError>),
}

impl Reloader {
    pub(super) fn on_command(&mut self, command: Command) {
        if self.changes.under_way.contains_key(&command.stem) {
            match self.changes.waiting.len() {
                0..WAITING_MAX => self.changes.waiting.push_back(command),
                _ => answer(command.reply, Err(Refusal::Busy)),
            }
        } else {
            self.start(command);
        }
    }

    pub(super) fn on_step(&mut self, step: Step) {
        match step {
            Step::Checked(stem, Ok(kept)) => self.place(&stem, kept),
            Step::Checked(stem, Err(refusal)) => {
                self.artifacts_are_stale = true;
                self.end(&stem, Err(refusal));
            }
            Step::Placed(stem, kept, Ok(())) => self.on_placed(&stem, &kept),
            Step::TakenOut(stem, Ok(())) => self.on_taken_out(&stem),
            Step::Placed(stem, _, Err(error)) | Step::TakenOut(stem, Err(error)) => {
                tracing::error!(plugin = stem, %error, "the folder cannot be changed as was asked");
                self.end(&stem, Err(Refusal::Trouble(in_one_line(error))));
            }
        }
    }

    /// Puts what served before back into the folder, without loading it again when it serves. A change that an operator
    /// has asked for wins over this.
    pub(super) fn write_back(&mut self, stem: &str, kept: Kept) {
        if !self.changes.under_way.contains_key(stem) {
            let under_way = UnderWay { stage: Stage::Placing, is_new: false, reply: None };
            self.changes.under_way.insert(stem.to_owned(), under_way);
            self.place(stem, Box::new(kept));
        }
    }

    /// What the folder says of a stem whose files are changing is not asked.
    pub(super) fn leave_alone(&self, wanted: &mut BTreeMap<String, Wanted>) {
        let changing = self.changes.under_way.iter().filter(|(_, under_way)| under_way.stage == Stage::Placing);
        for (stem, _) in changing {
            match self.tried.get(stem) {
                Some(tried) => _ = wanted.insert(stem.clone(), tried.clone()),
                None => _ = wanted.remove(stem),
            }
        }
    }

    /// Answers those whose change is live, or turned out not to be. To be called once what is live has been shown.
    pub(super) fn answer_changes(&mut self) {
        let ended: Vec<_> = self
            .changes
            .under_way
            .iter()
            .filter_map(|(stem, under_way)| match &under_way.stage {
                Stage::Checking | Stage::Placing => None,
                Stage::Loading(source) => Some((stem.clone(), self.loaded(stem, source)?)),
                Stage::Leaving => (!self.is_there(stem)).then(|| (stem.clone(), Ok(None))),
            })
            .collect();
        for (stem, result) in ended {
            self.end(&stem, result);
        }
    }

    /// Whether something is under way that will need artifacts which nothing refers to yet.
    pub(super) fn is_changing(&self) -> bool {
        !self.changes.under_way.is_empty()
    }

    fn place(&mut self, stem: &str, kept: Box<Kept>) {
        if let Some(under_way) = self.changes.under_way.get_mut(stem) {
            under_way.stage = Stage::Placing;
        }
        let (loader, stem) = (Arc::clone(&self.loader), stem.to_owned());
        self.jobs.spawn_blocking(move || {
            let placed = loader.put(&stem, &kept);
            Job::Step(Step::Placed(stem, kept, placed))
        });
    }

    /// The watcher will tell the same, a moment later.
    fn on_placed(&mut self, stem: &str, kept: &Kept) {
        let source = kept.source();
        self.changes.placed.insert(stem.to_owned(), (source, Instant::now()));
        for (file, digest) in folder::files(stem).into_iter().zip(digests(&source)) {
            self.unsettled.settled(&file);
            match digest {
                Some(digest) => _ = self.items.insert(file, Item::File(digest)),
                None => _ = self.items.remove(&file),
            }
        }
        let Some(under_way) = self.changes.under_way.get_mut(stem) else { return };
        under_way.stage = Stage::Loading(source);
        let is_asked_for = under_way.reply.is_some();
        match self.stems.get_mut(stem) {
            Some(known) if known.serving.as_ref().is_some_and(|active| active.source == source) => {
                known.loading = None;
                known.next = None;
                if is_asked_for {
                    known.error = None;
                }
                if let Some(candidate) = known.candidate.take() {
                    self.leaving.push(Leaving::replaced(stem, candidate.active));
                    self.routes_are_stale = true;
                }
                self.tried.insert(stem.to_owned(), Wanted::Load(source));
            }
            // It failed before, for a reason that may be gone.
            Some(known) if known.loading.is_none() => _ = self.tried.remove(stem),
            _ => {}
        }
        self.follow();
    }

    fn on_taken_out(&mut self, stem: &str) {
        self.changes.placed.remove(stem);
        for file in folder::files(stem) {
            self.unsettled.settled(&file);
            self.items.remove(&file);
        }
        if let Some(under_way) = self.changes.under_way.get_mut(stem) {
            under_way.stage = Stage::Leaving;
        }
        self.follow();
    }

    /// Whether what was put in place is live, if that is known.
    fn loaded(&self, stem: &str, source: &Source) -> Option<Result<Option<Digest>, Refusal>> {
        let superseded = || Some(Err(Refusal::Conflict(format!("{stem} was changed again before it was live"))));
        let Some(known) = self.stems.get(stem) else { return superseded() };
        let candidate = known.candidate.iter().map(|candidate| &candidate.active);
        let serves = known.serving.iter().chain(candidate).any(|active| active.source == *source);
        match (&known.error, self.tried.get(stem)) {
            _ if serves => Some(Ok(Some(source.digest))),
            (_, tried) if tried != Some(&Wanted::Load(*source)) => superseded(),
            _ if known.is_awaited() => None,
            (Some(error), _) if known.loading.is_some() => Some(Err(Refusal::Trouble(error.clone()))),
            (Some(error), _) => Some(Err(Refusal::Bad(error.clone()))),
            (None, _) => None,
        }
    }

    fn is_there(&self, stem: &str) -> bool {
        self.stems.contains_key(stem) || self.leaving.iter().any(|left| left.is_removed && left.stem == stem)
    }

    fn end(&mut self, stem: &str, result: Result<Option<Digest>, Refusal>) {
        if let Some(UnderWay { is_new, reply: Some(reply), .. }) = self.changes.under_way.remove(stem) {
            answer(reply, result.map(|digest| Done { is_new, digest }));
        }
        while let Some(next) = self.changes.next(stem) {
            if self.start(next) {
                break;
            }
        }
    }
}

// === impl Changes ===

impl Changes {
    /// What a file was given a moment ago, if it was: a content, or none.
    pub(super) fn placed(&mut self, file: &str) -> Option<Option<Digest>> {
        let now = Instant::now();
        self.placed.retain(|_, (_, at)| now < *at + PLACED_FOR);
        self.placed.iter().find_map(|(stem, (source, _))| {
            let mut files = folder::files(stem).into_iter().zip(digests(source));
            files.find_map(|(name, digest)| (name == file).then_some(digest))
        })
    }

    /// The change of this stem that has waited longest.
    fn next(&mut self, stem: &str) -> Option<Command> {
        let place = self.waiting.iter().position(|command| command.stem == stem)?;
        self.waiting.remove(place)
    }
}

/// What the files of a stem hold, in the order of [`folder::files`].
fn digests(source: &Source) -> [Option<Digest>; 3] {
    [Some(source.digest), source.side, source.signature]
}

/// Who asked may have gone away.
fn answer(reply: oneshot::Sender<Reply>, answer: Reply) {
    let _ = reply.send(answer);
}
