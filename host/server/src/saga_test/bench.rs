//! What all cases of a run have in common: the definition, its participants, and what is said of the saga.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use serde_json::{Map, Value};
use switchyard_core::{
    saga::{
        Definition,
        definition::{CommandStep, Via},
    },
    units::HumanDuration,
};

use super::{
    args::{TestArgs, data},
    books::Book,
    cut,
    plugins::Plugins,
    report::label,
    setup::Setup,
};
use crate::{
    cli::config_file,
    config::{Config, Overrides},
};

/// What all cases have in common.
pub(super) struct Bench {
    pub(super) plugins: Plugins,
    /// Its times are cut short.
    pub(super) definition: Definition,
    pub(super) data: Map<String, Value>,
    pub(super) setup: Vec<Setup>,
    pub(super) books: Vec<Book>,
    /// The steps whose participants are simulated.
    pub(super) simulated: Arc<BTreeSet<u32>>,
    pub(super) time_out: Duration,
    /// Where each case has a folder.
    pub(super) folder: PathBuf,
    /// Whether these folders stay.
    pub(super) keep: bool,
}

// === impl Bench ===

impl Bench {
    /// What is said on the command line, looked at; all that is made lies in `scratch`.
    ///
    /// # Errors
    /// When there is no such definition, a plugin does not load, or what is said does not fit.
    pub(super) fn new(args: &TestArgs, scratch: &Path) -> anyhow::Result<Self> {
        let overrides = Overrides { plugins: args.plugins.clone(), ..Overrides::default() };
        let config = Config::load(config_file(args.config.as_ref()).as_deref(), &overrides)?;
        let folder = config.plugins.dir.clone();
        if args.plugins.is_some() && !folder.is_dir() {
            bail!("there is no plugins folder {}", folder.display());
        }
        let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let threads = threads.context("cannot start threads")?;
        let plugins = threads.block_on(Box::pin(Plugins::read(config, scratch)))?;
        let definition = definition(&args.definition, &plugins, &folder)?;
        if let Some(step) = args.step.filter(|step| definition.command_step(*step).is_none()) {
            bail!("the definition '{}' has no command at step {step}", definition.name());
        }
        let is_simulated =
            |step: &CommandStep| args.simulate.contains(&step.command) || plugins.participant(step).is_none();
        let steps = (0..).zip(definition.steps());
        let simulated = steps.filter(|(_, step)| step.command().is_some_and(is_simulated)).map(|(index, _)| index);
        let simulated = Arc::new(simulated.collect());
        let bench = Self {
            definition: cut::cut(&definition, args.time_out)?,
            data: data(&args.data)?,
            setup: args.setup.clone(),
            books: args.books.clone(),
            simulated,
            time_out: args.time_out,
            folder: scratch.to_owned(),
            keep: args.keep,
            plugins,
        };
        bench.check()?;
        Ok(bench)
    }

    /// Whether the participant of a step answers by events of its own, which nothing can hold back.
    pub(super) fn answers_by_itself(&self, step: u32) -> bool {
        let by_event = |step: &CommandStep| matches!(step.via, Via::Event { .. });
        !self.simulated.contains(&step) && self.definition.command_step(step).is_some_and(by_event)
    }

    /// What somebody has to know who reads the table.
    pub(super) fn introduction(&self, cases: usize) -> Vec<String> {
        let definition = &self.definition;
        let [time_out, backoff, timer] = [self.time_out, cut::BACKOFF, cut::TIMER].map(HumanDuration);
        let mut lines = vec![
            format!("{}: {cases} cases", definition.name()),
            format!(
                "times are cut: time-outs to {time_out}, delays between attempts to {backoff}, attempts to {}, timers to \
                 {timer}; signals are sent with {{}}",
                cut::ATTEMPTS_MAX
            ),
        ];
        let all = (0..).zip(definition.steps()).filter(|(_, step)| step.command().is_some()).map(|(index, _)| index);
        let (simulated, real): (Vec<u32>, Vec<u32>) = all.partition(|step| self.simulated.contains(step));
        let names = |steps: &[u32]| steps.iter().map(|step| label(definition, *step)).collect::<Vec<_>>().join(", ");
        if !simulated.is_empty() {
            lines.push(format!("simulated: {}", names(&simulated)));
        }
        if !real.is_empty() {
            lines.push(format!("by plugins: {}", names(&real)));
            if self.books.is_empty() {
                lines.push("what plugins keep is not compared; name it by --books".to_owned());
            }
        }
        let left_out: Vec<u32> = real.into_iter().filter(|step| self.answers_by_itself(*step)).collect();
        if !left_out.is_empty() {
            let (steps, held) = (names(&left_out), "trap, twice, late and crash-after-effect are left out");
            lines.push(format!("{held} at {steps}: a plugin's own events cannot be held back"));
        }
        lines
    }

    /// Whether all paths can be filled from the data.
    fn check(&self) -> anyhow::Result<()> {
        let paths = self.setup.iter().map(|setup| &setup.path).chain(self.books.iter().map(Book::path));
        let mut filled = paths.map(|path| path.filled("case-0", &self.data));
        filled.try_for_each(|path| path.map(drop)).map_err(anyhow::Error::msg)
    }
}

fn definition(said: &str, plugins: &Plugins, folder: &Path) -> anyhow::Result<Definition> {
    if said.ends_with(".json") {
        let text = fs::read_to_string(said).with_context(|| format!("cannot read the definition {said}"))?;
        let definition: Definition =
            serde_json::from_str(&text).with_context(|| format!("{said} holds no definition"))?;
        definition.check().with_context(|| format!("the definition in {said} does not hold"))?;
        return Ok(definition);
    }
    plugins.definition(said).cloned().with_context(|| {
        let (known, folder) = (plugins.definitions().join(", "), folder.display());
        let known = if known.is_empty() { "they declare none".to_owned() } else { format!("they declare: {known}") };
        format!("no plugin in {folder} declares the definition '{said}'; {known}")
    })
}
