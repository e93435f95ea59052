//! `doctor`: checks every record of the store.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use switchyard_store::Report;

use super::DataArgs;
use crate::{
    output,
    progress::{Audience, Progress},
};

/// What `doctor` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Checks the store. The exit code says whether it is well.
///
/// # Errors
/// When there is no store, or it cannot be opened.
pub(crate) fn run(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let folder = args.data.existing_store()?;
    let progress = Progress::begin("checking every record", Audience::of(args.json));
    let report = switchyard_store::doctor(&folder)?;
    drop(progress);
    if args.json {
        output::line(as_json(&report));
    } else {
        output::line(format_args!("{}: {} records of schema {}", folder.display(), report.records, report.schema));
        for finding in &report.findings {
            output::line(finding);
        }
        let more = report.findings_total.saturating_sub(report.findings.len() as u64);
        match (report.findings_total, more) {
            (0, _) => output::line("everything is well"),
            (total, 0) => output::line(format_args!("faults: {total}")),
            (total, more) => output::line(format_args!("faults: {total}, of which {more} are not listed")),
        }
    }
    if report.is_sound() {
        return Ok(ExitCode::SUCCESS);
    }
    output::error_line("the store is damaged: stop the host, move the store away, and `switchyard restore` a backup");
    Ok(ExitCode::FAILURE)
}

fn as_json(report: &Report) -> serde_json::Value {
    let findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    json!({
        "sound": report.is_sound(), "schema": report.schema, "records": report.records, "faults": report.findings_total,
        "findings": findings,
    })
}
