//! `inspect`: says what a component is and whether it would load, by doing what the host does, short of serving.

mod held;

use std::{
    fmt::{self, Display},
    fs,
    path::Path,
    process::ExitCode,
};

use anyhow::Context;
use serde::Serialize;
use switchyard_core::{
    describe::{Description, Role, Track},
    manifest::{Manifest, ScheduleSpec, Target, Timetable},
    name::{Digest, PluginFile, ServiceName},
    saga::{Definition, definition::Step},
};
use switchyard_runtime::{Runtime, settings::Settings};

use crate::{
    cli::{self, InspectArgs},
    config::{Config, Overrides},
    output,
    ports::Nothing,
    reload::{self, COMPONENT_MAX},
    scratch::Scratch,
    watch::digest_of,
};
use held::{Granted, Held};

/// What was found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    file: String,
    size: u64,
    digest: Digest,
    /// Whether the host would load it.
    loads: bool,
    /// Why not.
    error: Option<String>,
    roles: Vec<Role>,
    track: Option<Track>,
    imports: Vec<String>,
    exports: Vec<String>,
    /// Imports that reach nothing unless the configuration gives them something.
    granted: Vec<Granted>,
    limits: Held,
    /// Whether one of the trusted keys vouches for it; null when the configuration trusts none in particular.
    signed: Option<bool>,
    /// The side file beside it, when there is one.
    side_file: Option<String>,
    /// With the side file over it.
    manifest: Option<Manifest>,
    debug_build: bool,
}

/// Inspects one file. The exit code says whether it would load.
///
/// # Errors
/// When the file cannot be read, or nothing can be compiled here.
pub(crate) async fn inspect(args: InspectArgs) -> anyhow::Result<ExitCode> {
    let file = &args.file;
    let (size, digest) =
        digest_of(file, COMPONENT_MAX).with_context(|| format!("cannot read the component {}", file.display()))?;
    let config = Config::load(cli::config_file(args.config.as_ref()).as_deref(), &Overrides::default())?;
    let described = describe(file, digest).await?;
    let report = report(file, size, digest, described, &config);
    if args.json {
        output::line(serde_json::to_string_pretty(&report)?);
    } else {
        output::line(&report);
    }
    Ok(if report.loads { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn describe(file: &Path, digest: Digest) -> anyhow::Result<Result<Description, String>> {
    let scratch = Scratch::new()?;
    let options = switchyard_runtime::Options {
        cache_dir: scratch.path().join("cache"),
        compiler: std::env::current_exe().context("cannot find this program's own file")?,
        winch: true,
        pool_max: Some(1),
        compiles_max: Some(1),
    };
    let runtime = Runtime::new(options, Nothing::ports())?;
    let prepared = runtime.prepare(&fs::canonicalize(file)?, digest).await;
    Ok(prepared.map(|prepared| prepared.description.as_ref().clone()).map_err(|error| error.to_string()))
}

fn report(file: &Path, size: u64, digest: Digest, described: Result<Description, String>, config: &Config) -> Report {
    let stem = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = stem.strip_suffix(".wasm").unwrap_or(&stem);
    let side_file = file.with_file_name(format!("{stem}.toml"));
    let (description, manifest) = match described {
        Ok(description) => {
            let manifest = side_text(&side_file).and_then(|side| reload::manifest(stem, &description, side.as_deref()));
            (Some(description), manifest)
        }
        Err(error) => (None, Err(error)),
    };
    let settings = settings(stem, manifest.as_ref().ok(), config);
    let known = description.as_ref();
    let unfit = || known.and_then(|description| unfit(description, &settings));
    let vouched = vouched(file, &side_file, config);
    // In the order in which the host looks.
    let error = vouched.clone().and_then(Result::err).or_else(|| manifest.as_ref().err().cloned()).or_else(unfit);
    let imports = known.map(|description| description.imports.clone()).unwrap_or_default();
    Report {
        file: file.display().to_string(),
        size,
        digest,
        loads: error.is_none(),
        error,
        roles: known.iter().flat_map(|description| description.roles.iter().copied()).collect(),
        track: known.map(|description| description.track),
        debug_build: known.is_some_and(|description| description.debug_build),
        granted: held::granted(&imports, &settings),
        limits: (&settings.limits).into(),
        signed: vouched.map(|vouched| vouched.is_ok()),
        side_file: side_file.exists().then(|| side_file.display().to_string()),
        imports,
        exports: description.map(|description| description.exports).unwrap_or_default(),
        manifest: manifest.ok(),
    }
}

/// What the configuration gives the service that this would be.
fn settings(stem: &str, manifest: Option<&Manifest>, config: &Config) -> Settings {
    let of_file = || PluginFile::from_stem(stem).ok().map(|file| file.service);
    let service: Option<ServiceName> = manifest.map(|manifest| manifest.name.clone()).or_else(of_file);
    service.map(|service| config.settings(&service, manifest.and_then(|manifest| manifest.guests))).unwrap_or_default()
}

/// Why a component that is well in itself would not be loaded under these settings.
fn unfit(description: &Description, settings: &Settings) -> Option<String> {
    let limits = &settings.limits;
    let exceeds =
        description.needs.check(limits.memory_max, u64::from(limits.tables_max)).err().map(|error| error.to_string());
    exceeds.or_else(|| settings.missing.first().cloned())
}

/// Whether somebody whom the configuration trusts vouches for the file, if it trusts somebody in particular.
fn vouched(file: &Path, side_file: &Path, config: &Config) -> Option<Result<(), String>> {
    let keys = &config.plugins.trusted_keys;
    let side = || fs::read(side_file).ok();
    (!keys.is_empty()).then(|| reload::verify_beside(keys, file, side().as_deref()))
}

fn side_text(file: &Path) -> Result<Option<String>, String> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("cannot read the side file {}: {error}", file.display())),
    }
}

// === impl Report ===

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({} bytes)", self.file, self.size)?;
        writeln!(f, "digest    {}", self.digest)?;
        if let Some(manifest) = &self.manifest {
            writeln!(f, "service   {} {}", manifest.name, manifest.version)?;
            for route in &manifest.routes {
                let methods = if route.methods.is_empty() { "any method".to_owned() } else { route.methods.join(", ") };
                writeln!(f, "route     {} ({methods})", route.path)?;
            }
            for subscription in &manifest.subscriptions {
                let name = subscription.full_name(manifest.name.as_str());
                writeln!(f, "events    {} (as {name})", subscription.topic)?;
            }
            for consumer in &manifest.queues {
                writeln!(f, "queue     {}", consumer.queue)?;
            }
            for schedule in &manifest.schedules {
                writeln!(f, "schedule  {}", schedule_line(schedule))?;
            }
            for command in &manifest.commands {
                writeln!(f, "command   {command}")?;
            }
            for saga in &manifest.sagas {
                writeln!(f, "saga      {}", saga_line(saga))?;
            }
        }
        // As in JSON.
        let name = |role: &Role| serde_json::to_value(role).ok()?.as_str().map(str::to_owned);
        let roles = self.roles.iter().filter_map(name).collect();
        list(f, "roles", roles)?;
        list(f, "exports", self.exports.clone())?;
        list(f, "imports", self.imports.clone())?;
        list(f, "reaches", self.granted.iter().map(ToString::to_string).collect())?;
        list(f, "limits", self.limits.lines())?;
        if let Some(signed) = self.signed {
            writeln!(f, "signature {}", if signed { "by a trusted key" } else { "not by a trusted key" })?;
        }
        if let Some(side_file) = &self.side_file {
            writeln!(f, "side file {side_file}")?;
        }
        if self.debug_build {
            writeln!(f, "note      built without optimisation; build it with --release")?;
        }
        match &self.error {
            None => write!(f, "verdict   it would load"),
            Some(error) => write!(f, "verdict   it would not load: {error}"),
        }
    }
}

fn schedule_line(schedule: &ScheduleSpec) -> String {
    let when = match &schedule.timetable {
        Timetable::Cron(cron) => cron.clone(),
        Timetable::Every(every) => format!("every {every}"),
    };
    let what = match &schedule.target {
        Target::Topic(topic) => format!("an event of {topic}"),
        Target::Queue(queue) => format!("a message of {queue}"),
    };
    format!("{} ({when}: {what})", schedule.name)
}

fn saga_line(saga: &Definition) -> String {
    let steps: Vec<_> = saga.steps().iter().map(Step::label).collect();
    format!("{} ({})", saga.name(), steps.join(", "))
}

fn list(f: &mut fmt::Formatter<'_>, title: &str, items: Vec<String>) -> fmt::Result {
    for (place, item) in items.iter().enumerate() {
        writeln!(f, "{:<9} {item}", if place == 0 { title } else { "" })?;
    }
    Ok(())
}
