//! How a change begins: what is asked for is found, or refused.

use std::sync::Arc;

use switchyard_core::folder::{self, Wanted};

use super::{
    super::{
        Job, Reloader,
        change::{Change, Command, DIGITS_MIN, Refusal, To},
        good::Kept,
    },
    Stage, Step, UnderWay, answer,
    check::Candidate,
};

impl Reloader {
    /// Whether it could begin.
    pub(super) fn start(&mut self, command: Command) -> bool {
        let Command { stem, change, reply } = command;
        let is_new = !self.stems.contains_key(&stem) && !self.tried.contains_key(&stem);
        match self.begin(&stem, change) {
            Ok(stage) => {
                self.changes.under_way.insert(stem, UnderWay { stage, is_new, reply: Some(reply) });
                true
            }
            Err(refusal) => {
                answer(reply, Err(refusal));
                false
            }
        }
    }

    fn begin(&mut self, stem: &str, change: Change) -> Result<Stage, Refusal> {
        match change {
            Change::Deploy(upload) => {
                let [_, side, _] = folder::files(stem);
                let side = self.items.get(&side).cloned();
                self.check(stem, Candidate::Sent(upload, side));
                Ok(Stage::Checking)
            }
            Change::Rollback(to) => {
                let kept = self.earlier(stem, &to)?.clone();
                self.check(stem, Candidate::Kept(Box::new(kept)));
                Ok(Stage::Checking)
            }
            Change::Remove if self.stems.contains_key(stem) || self.tried.contains_key(stem) => {
                let (loader, stem) = (Arc::clone(&self.loader), stem.to_owned());
                self.jobs.spawn_blocking(move || {
                    let taken_out = loader.take_out(&stem);
                    Job::Step(Step::TakenOut(stem, taken_out))
                });
                Ok(Stage::Placing)
            }
            Change::Remove => Err(unknown(stem)),
        }
    }

    /// What a rollback goes back to: the last one that was good when the folder asks for another, else what served before
    /// that.
    fn earlier(&self, stem: &str, to: &To) -> Result<&Kept, Refusal> {
        if !self.stems.contains_key(stem) && !self.tried.contains_key(stem) {
            return Err(unknown(stem));
        }
        let nothing = |text: String| Refusal::Conflict(format!("{stem} cannot be rolled back: {text}"));
        let Some(good) = self.good.get(stem) else { return Err(nothing("nothing has served under it yet".to_owned())) };
        let asked = match self.tried.get(stem) {
            Some(Wanted::Load(source)) => Some(*source),
            _ => None,
        };
        let mut others = good.all().filter(|kept| Some(kept.source()) != asked);
        let found = others.find(|kept| to.is(kept));
        found.ok_or_else(|| {
            let known: Vec<String> = good.all().map(describe).collect();
            nothing(format!("there is nothing else of it that fits; kept are: {}", known.join(", ")))
        })
    }
}

fn unknown(stem: &str) -> Refusal {
    Refusal::Unknown(format!("there is no plugin {stem}"))
}

fn describe(kept: &Kept) -> String {
    let digest = &kept.digest.to_string()[..DIGITS_MIN];
    match &kept.version {
        Some(version) => format!("{digest} ({version})"),
        None => digest.to_owned(),
    }
}
