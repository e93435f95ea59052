//! Runs one case: a host, its plugins, one saga, and whatever goes wrong, until the saga has ended and all that was
//! under way has arrived.

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use http::Method;
use serde_json::Value;
use switchyard_core::saga::StartDraft;
use switchyard_delivery::{Publisher, Trial};

use super::{
    bench::Bench,
    books::Reading,
    faults::Faults,
    follow::{Over, history},
    host::Host,
    plan::Case,
    verdict::{End, Entry, Net},
};

/// How long a case may take.
pub(super) const CASE_MAX: Duration = Duration::from_secs(30);

/// Who starts the sagas.
const SOURCE: &str = "/switchyard/saga-test";

/// What became of a case.
pub(super) struct Ran {
    pub(super) case: Case,
    /// None when it did not end, or never began.
    pub(super) end: Option<End>,
    pub(super) nets: Vec<Net>,
    pub(super) books: Vec<Entry>,
    pub(super) took: Duration,
    /// Nothing if all is well.
    pub(super) wrong: Vec<String>,
    /// The history of the saga, of a case with something wrong.
    pub(super) history: Vec<Value>,
}

// === impl Bench ===

impl Bench {
    /// Runs a case. `completed` is what the books said after the one without a fault.
    pub(super) fn run(&self, case: Case, completed: Option<&[Reading]>) -> Ran {
        let began = Instant::now();
        let folder = self.folder.join(case.id());
        let (end, nets, books, wrong, history) = Default::default();
        let mut ran = Ran { case, end, nets, books, took: Duration::ZERO, wrong, history };
        if let Err(error) = self.try_to_run(&mut ran, completed, &folder, began + CASE_MAX) {
            ran.wrong.push(format!("{error:#}"));
        }
        if !self.keep {
            // What is left behind is removed with the folder of the whole run.
            let _ = fs::remove_dir_all(&folder);
        }
        ran.took = began.elapsed();
        ran
    }

    fn try_to_run(
        &self,
        ran: &mut Ran,
        completed: Option<&[Reading]>,
        folder: &Path,
        until: Instant,
    ) -> anyhow::Result<()> {
        let case = ran.case;
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let faults = Faults::new(case, case.id().parse()?, 2 * self.time_out, Arc::clone(&self.simulated));
        let faults = Arc::new(faults);
        let start = || {
            let trial = Trial { carrier: Arc::clone(&faults) as _, definitions: vec![self.definition.clone()] };
            Host::start(&self.plugins, folder, trial)
        };
        let mut host = start()?;
        host.block_on(self.begin(ran, &host))?;
        let mut forced = false;
        let end = loop {
            match host.block_on(self.follow(&host, &case, &faults, &mut forced, until))? {
                Over::Crashed => {
                    host.crash();
                    host = start()?;
                }
                Over::Ended(end) => break end,
                Over::Never(why) => {
                    ran.history = host.block_on(history(&host, &case))?;
                    bail!(why);
                }
            }
        };
        let judged = host.block_on(self.judge(ran, &host, &faults, &end, completed));
        ran.end = Some(end);
        if judged.is_err() || !ran.wrong.is_empty() {
            ran.history = host.block_on(history(&host, &case))?;
        }
        judged
    }

    /// Sets everything up, reads the books, and starts the saga.
    async fn begin(&self, ran: &mut Ran, host: &Host) -> anyhow::Result<()> {
        let id = ran.case.id();
        for setup in &self.setup {
            let path = setup.path.filled(&id, &self.data).map_err(anyhow::Error::msg)?;
            let (status, body) = host.request(&setup.method, &path, setup.body.clone()).await?;
            if !status.is_success() {
                bail!("setting up: {} {path} answered {status}: {}", setup.method, String::from_utf8_lossy(&body));
            }
        }
        let before = self.read_books(host, &ran.case).await?;
        let books = self.books.iter().map(ToString::to_string).zip(before);
        ran.books = books.map(|(book, before)| Entry { book, after: before.clone(), before }).collect();
        let draft = StartDraft {
            name: self.definition.name().to_owned(),
            id: Some(id),
            data: Value::Object(self.data.clone()).to_string().into(),
        };
        host.delivery().start_saga(Publisher::operator(SOURCE), draft).await.context("the saga cannot be started")?;
        Ok(())
    }

    /// What the books say now.
    pub(super) async fn read_books(&self, host: &Host, case: &Case) -> anyhow::Result<Vec<Reading>> {
        let mut readings = Vec::with_capacity(self.books.len());
        for book in &self.books {
            let path = book.path().filled(&case.id(), &self.data).map_err(anyhow::Error::msg)?;
            let (status, body) = host.request(&Method::GET, &path, String::new()).await?;
            readings.push(book.reading(status, &body).map_err(anyhow::Error::msg)?);
        }
        Ok(readings)
    }
}
