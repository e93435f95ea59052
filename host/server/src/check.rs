//! `check`: whether a host would start with this configuration, and which plugins it would refuse, without starting one.
//!
//! The configuration is read as `serve` reads it, and the folder is loaded as `serve` loads it, by the same code, beside a
//! store that goes away: what is found here is what the host would say. Nothing listens, nothing is delivered, and the
//! folder and the data of a host that runs are left alone.

mod load;
mod report;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, ValueEnum};
use switchyard_gateway::Tls;

use crate::{
    cli,
    config::{Config, Overrides, schema},
    output,
    progress::{Audience, Progress},
};
use report::Report;

/// What `check` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct CheckArgs {
    /// The configuration [default: ./switchyard.toml if it is there]
    #[arg(long, value_name = "FILE", env = "SWITCHYARD_CONFIG")]
    config: Option<PathBuf>,
    /// The plugins folder [default: ./plugins]
    #[arg(long, value_name = "DIR", env = "SWITCHYARD_PLUGINS")]
    plugins: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Check nothing: print the JSON Schema of the configuration, or of side files, for editors
    #[arg(long, value_name = "OF", num_args = 0..=1, default_missing_value = "configuration", conflicts_with = "json")]
    schema: Option<SchemaOf>,
}

/// What a schema is of.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SchemaOf {
    /// `switchyard.toml`
    Configuration,
    /// `NAME.toml` beside `NAME.wasm`
    SideFile,
}

/// Checks, and says what would be refused. The exit code says whether something would be.
///
/// # Errors
/// When nothing can be compiled here.
pub(crate) async fn run(args: CheckArgs) -> anyhow::Result<ExitCode> {
    if let Some(of) = args.schema {
        let schema = match of {
            SchemaOf::Configuration => schema::configuration(),
            SchemaOf::SideFile => schema::side_file(),
        };
        output::line(serde_json::to_string_pretty(&schema)?);
        return Ok(ExitCode::SUCCESS);
    }
    let report = args.report().await?;
    if args.json {
        output::line(serde_json::to_string_pretty(&report)?);
    } else {
        output::line(report.told(output::Style::of_stdout()));
    }
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

// === impl CheckArgs ===

impl CheckArgs {
    async fn report(&self) -> anyhow::Result<Report> {
        let file = cli::config_file(self.config.as_ref());
        let shown = file.as_ref().map(|file| file.display().to_string());
        let overrides = Overrides { plugins: self.plugins.clone(), ..Overrides::default() };
        let config = match Config::load(file.as_deref(), &overrides) {
            Ok(config) => config,
            Err(error) => return Ok(Report::of_wrong(shown, format!("{:#}", anyhow::Error::new(error)))),
        };
        if let Some(error) = wrong_certificate(&config) {
            return Ok(Report::of_wrong(shown, error));
        }
        let folder = config.plugins.dir.clone();
        if !folder.exists() {
            return Ok(Report::new(shown, &folder, Vec::new(), Vec::new()));
        }
        let progress = Progress::begin(&format!("loading {}", folder.display()), Audience::of(self.json));
        let loaded = load::all(config).await?;
        drop(progress);
        Ok(Report::new(shown, &folder, loaded.plugins.iter().map(Into::into).collect(), loaded.notes))
    }
}

/// Why the gateway could not use its certificate, if it has one.
fn wrong_certificate(config: &Config) -> Option<String> {
    let files = config.gateway.tls.as_ref()?;
    let error = Tls::load(&files.cert, &files.key).err()?;
    let error = anyhow::Error::new(error).context("what [gateway.tls] of the configuration names cannot be used");
    Some(format!("{error:#}"))
}
