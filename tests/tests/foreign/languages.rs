//! Other languages, by the tools that their authors use. `tests/foreign/build` fetches these and builds with them; what
//! cannot be had here is said in one line.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;
use switchyard_tests::{Host, Setup, root};

use crate::{c, checks};

/// How long compiling a component may take.
const COMPILE_MAX: Duration = Duration::from_secs(300);

/// One component of another language.
struct Foreign {
    /// Its file's stem.
    name: &'static str,
    /// Where it lies.
    file: PathBuf,
    /// What its `/trap` is answered with.
    trap: u16,
    /// Whether it can trap after its head as well.
    traps_late: bool,
    /// Whether it can call others.
    calls: bool,
}

/// The folder of the components of this language, where its tools can be had.
pub(crate) fn built(language: &str) -> Option<PathBuf> {
    let script = root().join("tests/foreign/build");
    let output = Command::new("bash").arg(script).arg(language).output().expect("bash can be started");
    let complaint = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => Some(root().join("target/foreign")),
        Some(1) => {
            say(&format!("not shown here: {}", complaint.trim()));
            None
        }
        _ => panic!("the components of {language} cannot be built: {complaint}"),
    }
}

#[allow(clippy::print_stderr, reason = "whoever runs the tests is to see what they do not show")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}

/// Waits until this plugin is live.
pub(crate) async fn live(host: &Host, stem: &str) {
    until(host, stem, |plugin| plugin["state"] == "active").await;
}

/// Waits until this plugin is as described: large ones are compiled for half a minute, and for longer where others use
/// the machine.
pub(crate) async fn until(host: &Host, stem: &str, is: impl Fn(&Value) -> bool) {
    let began = Instant::now();
    loop {
        let plugin = host.plugin(stem).await;
        if is(&plugin) {
            return;
        }
        assert!(plugin["state"] != "failed" && began.elapsed() < COMPILE_MAX, "{plugin:#}\n{}", host.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Has each component run twice, the second time with nobody outside allowed.
async fn check(components: &[Foreign]) {
    let outside = checks::outside().await;
    let setup = Setup::new().plugin("hello", "hello");
    let mut config = String::new();
    for Foreign { name, file, .. } in components {
        for stem in stems(name) {
            fs::copy(file, setup.plugins().join(format!("{stem}.wasm"))).unwrap();
        }
        config.push_str(&format!("[services.{name}]\noutbound = ['{outside}']\n"));
    }
    let host = setup.config(&config).start_unready().await;
    live(&host, "hello").await;
    for component in components {
        for stem in stems(component.name) {
            live(&host, &stem).await;
            checks::says_hello(&host, &stem).await;
            checks::echoes(&host, &stem).await;
            checks::streams(&host, &stem).await;
            if component.calls {
                checks::calls_a_neighbour(&host, &stem).await;
                checks::calls_outside(&host, &stem, outside, stem == component.name).await;
            }
            checks::traps(&host, &stem, component.trap).await;
            if component.traps_late {
                checks::traps_late(&host, &stem).await;
            }
        }
    }
}

fn stems(name: &str) -> [String; 2] {
    [name.to_owned(), format!("{name}-shut")]
}

#[tokio::test]
async fn javascript() {
    let Some(folder) = built("javascript") else { return };
    // A script cannot trap in StarlingMonkey: it loops until it has used up its CPU time. Neither engine traps for an
    // error in a body's generator: it ends the body.
    let names = [("javascript-starlingmonkey", 504, true), ("javascript-quickjs", 502, false)];
    let components = names.map(|(name, trap, calls)| {
        let file = folder.join(format!("{name}.wasm"));
        Foreign { name, file, trap, traps_late: false, calls }
    });
    check(&components).await;
}

#[tokio::test]
async fn python() {
    let Some(folder) = built("python") else { return };
    let components = ["python-p2", "python-p3"].map(|name| {
        let file = folder.join(format!("{name}.wasm"));
        Foreign { name, file, trap: 502, traps_late: true, calls: true }
    });
    check(&components).await;
}

#[tokio::test]
async fn c() {
    let Some(file) = c::component() else { return };
    check(&[Foreign { name: "c", file, trap: 502, traps_late: true, calls: true }]).await;
}
