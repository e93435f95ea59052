//! `saga test`: tries a definition out under faults, before its users do.
//!
//! Each case is one saga on a host of its own, in this process and a folder of its own, with one thing going wrong: a
//! participant fails, answers late or not at all, or the host dies. Then the saga has to have ended, and the books have
//! to balance: done once, or undone. Participants are the plugins of a folder; those that are missing are simulated.
//!
//! Bounds: 30 s a case, 2 cases at a time, 2,000 in all.

mod answers;
mod args;
mod bench;
mod books;
mod cut;
mod faults;
mod follow;
mod host;
mod participants;
mod plan;
mod plugins;
mod report;
mod run;
mod settle;
mod setup;
mod verdict;

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc,
    },
    thread,
};

use anyhow::{Context, bail};
use serde_json::json;

use self::{
    args::SagaCommand,
    bench::Bench,
    books::Reading,
    plan::{CASES_MAX, Case, Fault, Only, cases},
    report::Report,
    run::Ran,
};
use crate::{config::Telemetry, output, telemetry};

pub(crate) use args::SagaArgs;

/// Cases that run at the same time.
const LANES: usize = 2;

/// A folder for all that a run makes.
struct Scratch {
    path: PathBuf,
    keep: bool,
}

/// Does what is asked for. The exit code says whether all is well.
///
/// # Errors
/// When there is no such definition, a plugin does not load, or what was said does not fit.
pub(crate) fn run(args: SagaArgs) -> anyhow::Result<ExitCode> {
    let SagaCommand::Test(args) = args.command;
    if let Some(level) = &args.log_level {
        telemetry::init(&Telemetry { log_level: Some(level.clone()), ..Telemetry::default() }, Arc::default())?;
    }
    let scratch = Scratch::new(args.keep)?;
    let bench = Bench::new(&args, &scratch.path)?;
    let impossible = |step: u32, fault: Fault| fault.holds_answers() && bench.answers_by_itself(step);
    let cases = cases(&bench.definition, Only { step: args.step, fault: args.fault }, impossible);
    if cases.len() > CASES_MAX {
        bail!("these are {} cases, over the limit of {CASES_MAX}; choose some by --step or --fault", cases.len());
    }
    let report = Report::new(&bench.definition);
    if !args.json {
        bench.introduction(cases.len()).iter().for_each(output::line);
        output::line(report.headings());
    }
    let ran = run_all(&bench, &cases, |ran| {
        if !args.json {
            output::line(report.row(ran));
        }
    });
    let wrong: Vec<&Ran> = ran.iter().filter(|ran| !ran.wrong.is_empty()).collect();
    if args.json {
        let shown: Vec<_> = ran.iter().map(|ran| report.json(ran)).collect();
        let definition = bench.definition.name();
        let shown = json!({"definition": definition, "ok": wrong.is_empty(), "cases": shown});
        output::line(serde_json::to_string_pretty(&shown)?);
    } else {
        wrong.iter().for_each(|ran| output::line(format_args!("\n{}", report.failure(ran))));
        output::line(format_args!("\n{}", report::summary(cases.len(), ran.len(), wrong.len())));
    }
    if args.keep {
        output::error_line(format_args!("the folders of the cases are in {}", scratch.path.display()));
    }
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the case without a fault, and if that is well all others; `each` sees them in their order.
fn run_all(bench: &Bench, cases: &[Case], mut each: impl FnMut(&Ran)) -> Vec<Ran> {
    let Some((first, rest)) = cases.split_first() else { return Vec::new() };
    let mut done = vec![bench.run(*first, None)];
    each(&done[0]);
    if !done[0].wrong.is_empty() {
        return done;
    }
    let completed: Vec<Reading> = done[0].books.iter().map(|entry| entry.after.clone()).collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (sender, ended) = mpsc::channel();
        for _ in 0..LANES.min(rest.len()) {
            let (sender, next, completed) = (sender.clone(), &next, &completed);
            scope.spawn(move || {
                while let Some(case) = rest.get(next.fetch_add(1, Relaxed)) {
                    // Nobody takes it only when the run is over.
                    let _ = sender.send(bench.run(*case, Some(completed)));
                }
            });
        }
        drop(sender);
        let mut early: BTreeMap<usize, Ran> = BTreeMap::new();
        for ran in ended {
            early.insert(ran.case.number, ran);
            while let Some(ran) = early.remove(&done.len().wrapping_add(first.number)) {
                each(&ran);
                done.push(ran);
            }
        }
    });
    done
}

// === impl Scratch ===

impl Scratch {
    fn new(keep: bool) -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("switchyard-saga-{}", uuid::Uuid::now_v7()));
        DirBuilder::new().mode(0o700).create(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self { path, keep })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.keep {
            // What is left behind in the system's temporary folder is removed by the system.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

#[cfg(test)]
mod tests;
