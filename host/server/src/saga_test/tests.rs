//! The command line, and whole runs of definitions whose participants are simulated.

use std::time::Duration;

use clap::Parser;
use switchyard_core::saga::Definition;

use super::{
    args::{TestArgs, data},
    *,
};

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: SagaArgs,
}

fn parse(words: &[&str]) -> Result<TestArgs, clap::Error> {
    let line = Line::try_parse_from([&["saga", "test"], words].concat())?;
    let SagaCommand::Test(args) = line.args.command;
    Ok(*args)
}

#[test]
fn what_does_not_fit_is_refused_before_anything_runs() {
    let args =
        parse(&["s", "--setup", "PUT /a {}", "--setup", "PUT /b", "--books", "/a#/n", "--fault", "time-out"]).unwrap();
    assert_eq!((args.setup.len(), args.books.len(), args.fault), (2, 1, Some(Fault::TimeOut)));
    assert_eq!(args.time_out, Duration::from_millis(400));
    for wrong in [
        &["s", "--time-out", "5ms"][..],
        &["s", "--time-out", "1m"],
        &["s", "--fault", "hang"],
        &["s", "--books", "a"],
        &["s", "--setup", "PUT"],
        &[],
    ] {
        assert!(parse(wrong).is_err(), "{wrong:?}");
    }
    assert!(data("[1]").is_err() && data("@/none").is_err());
    assert_eq!(data(r#"{"a": 1}"#).unwrap()["a"], 1);
}

/// The report of a run of this definition, if it can be run.
fn try_run(definition: &str, more: &[&str]) -> anyhow::Result<(Definition, Vec<Ran>)> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("saga.json");
    fs::write(&file, definition).unwrap();
    let args = parse(&[&[file.to_str().unwrap()], more].concat()).unwrap();
    let bench = Bench::new(&args, folder.path())?;
    let cases = cases(&bench.definition, Only { step: args.step, fault: args.fault }, |_, _| false);
    let ran = run_all(&bench, &cases, |_| {});
    Ok((bench.definition, ran))
}

#[test]
fn what_is_asked_for_has_to_be_there() {
    let steps = r#"{"name": "s", "steps": [{"wait": {"timer": "1s"}}, {"command": "a", "irreversible": true}]}"#;
    let refused = |definition: &str, more: &[&str]| match try_run(definition, more) {
        Ok(_) => panic!("{more:?} is taken"),
        Err(error) => format!("{error:#}"),
    };
    assert!(refused(steps, &["--step", "0"]).contains("no command at step 0"));
    assert!(refused(steps, &["--books", "/p/{orderId}"]).contains("no member 'orderId'"));
    assert!(refused(steps, &["--plugins", "/none"]).contains("no plugins folder /none"));
    assert!(refused(r#"{"name": "s", "steps": []}"#, &[]).contains("does not hold"));
    assert!(refused("{", &[]).contains("holds no definition"));
}

#[test]
fn a_definition_that_is_kept_for_an_operator_is_undone_by_one() {
    let definition = r#"{"name": "s", "onFailure": "stuck", "steps": [
        {"command": "a", "compensation": "x"}, {"command": "b", "compensation": "y"}
    ]}"#;
    let (definition, ran) = try_run(definition, &["--fault", "fail", "--step", "0"]).unwrap();
    let ends: Vec<_> = ran.iter().map(|ran| ran.end.as_ref().map(|end| end.status.as_str())).collect();
    assert_eq!(ends, [Some("completed"), Some("stuck"), Some("stuck"), Some("stuck")]);
    let report = Report::new(&definition);
    assert!(
        ran.iter().all(|ran| ran.wrong.is_empty()),
        "{:?}",
        ran.iter().map(|ran| report.failure(ran)).collect::<Vec<_>>()
    );
    let (_, ran) = try_run(
        r#"{"name": "s", "onFailure": "stuck", "steps": [{"command": "a", "compensation": "x"}]}"#,
        &["--fault", "twice"],
    )
    .unwrap();
    assert_eq!(ran[2].end.as_ref().map(|end| end.status.as_str()), Some("failed"));
}
