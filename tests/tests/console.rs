//! The console in a browser: every page at three widths in both themes, every action with and without the script, by
//! keyboard, live, through an outage. `tests/console` drives the browser and says what is wrong; screenshots are kept in
//! `target/console`.
//!
//! Needs Node.js; Chromium and what drives it come through `tests/tools/prepare`. Where they cannot be had, one line says so
//! and nothing is shown.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use switchyard_tests::{Backend, Host, Setup, component, root, tool};

/// The services of the scene, each with the component that it is made of.
const PLUGINS: [(&str, &str); 15] = [
    ("bad-import", "bad-import"),
    ("graffiti", "graffiti"),
    ("hello", "hello"),
    ("inventory-service", "inventory-service"),
    ("notification-service", "notification-service"),
    ("order-service", "order-service"),
    ("payment-service", "payment-service"),
    ("probe", "probe"),
    ("rogue", "rogue"),
    ("shipping-service", "shipping-service"),
    ("user-service", "user-service"),
    ("user-service@2.0.0", "user-service-next"),
    ("vandal", "graffiti"),
    ("web", "hello-p2"),
    // Its name is no service's, and is shown with what is wrong.
    ("<img src=x onerror=alert(1)>", "hello"),
];

/// The plugins that come with a side file.
const SIDES: [&str; 3] = ["graffiti", "probe", "vandal"];

/// What drives a browser.
struct Driver {
    chromium: PathBuf,
    modules: PathBuf,
}

/// A part that is under way, and says what it wants.
struct Drive {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

/// A host with something to look at, and the upstream behind it.
async fn scene(driver: &Driver) -> (Host, Backend) {
    let folder = root().join("tests/console/scene");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let backend = Backend::listen("legacy").await;
    let config = read("switchyard.toml").replace("BACKEND", &backend.at.to_string());
    let setup = PLUGINS.into_iter().fold(Setup::new().config(&config), |setup, (stem, of)| setup.plugin(stem, of));
    for stem in SIDES {
        std::fs::write(setup.plugins().join(format!("{stem}.toml")), read(&format!("{stem}.toml"))).unwrap();
    }
    let host = setup.start().await;
    driver.run("scene", &host, &json!({}));
    (host, backend)
}

// === impl Driver ===

impl Driver {
    /// What is needed, where it can be had.
    fn prepare() -> Option<Self> {
        let chromium = tool("chromium")?.join("run");
        Some(Self { chromium, modules: tool("puppeteer")? })
    }

    /// Starts a part.
    fn start(&self, part: &str, admin: &str, gateway: &str, more: &Value) -> Drive {
        let mut options = json!({
            "admin": admin, "gateway": gateway, "chromium": self.chromium, "modules": self.modules,
            "shots": root().join("target/console"), "components": component("hello").parent(),
        });
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut command = Command::new("node");
        command.arg(root().join("tests/console/run.mjs")).args([part, &options.to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("node is there");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Drive { child, lines }
    }

    /// Runs a part against a host, and checks that it found nothing wrong.
    fn run(&self, part: &str, host: &Host, more: &Value) {
        let (admin, gateway) = (format!("http://{}", host.admin), format!("http://{}", host.gateway));
        let mut drive = self.start(part, &admin, &gateway, more);
        tokio::task::block_in_place(|| drive.finish(part));
    }
}

// === impl Drive ===

impl Drive {
    /// The next line that it prints; none at its end.
    fn line(&mut self) -> Option<String> {
        self.lines.next().map(Result::unwrap)
    }

    /// Answers what it asked for.
    fn answer(&mut self, line: &str) {
        let mut to = self.child.stdin.as_ref().unwrap();
        writeln!(to, "{line}").unwrap();
    }

    /// Reads its report.
    fn finish(&mut self, part: &str) {
        let mut last = String::new();
        while let Some(line) = self.line() {
            last = line;
        }
        let status = self.child.wait().unwrap();
        let report: Value = serde_json::from_str(&last).unwrap_or_default();
        let findings = report["findings"].as_array().cloned().unwrap_or_default();
        assert!(status.success() && report["findings"].is_array(), "{part}: {status}: {last}");
        let texts = findings
            .iter()
            .map(|it| format!("{} [{}]\n    {}\n", text(&it["where"]), text(&it["kind"]), text(&it["text"])));
        assert!(findings.is_empty(), "{part}: {} findings\n{}", findings.len(), texts.collect::<String>());
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_checks_find_the_faults_that_they_are_for() {
    let Some(driver) = Driver::prepare() else { return };
    let mut drive = driver.start("faulty", "http://127.0.0.1:9", "http://127.0.0.1:9", &json!({}));
    tokio::task::block_in_place(|| drive.finish("faulty"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_well_at_each_width_in_each_theme() {
    let Some(driver) = Driver::prepare() else { return };
    let (host, _backend) = scene(&driver).await;
    driver.run("tour", &host, &json!({}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_action_has_its_effect() {
    let Some(driver) = Driver::prepare() else { return };
    let (host, _backend) = scene(&driver).await;
    driver.run("actions", &host, &json!({}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_action_has_its_effect_without_a_script() {
    let Some(driver) = Driver::prepare() else { return };
    let (host, _backend) = scene(&driver).await;
    driver.run("plain", &host, &json!({}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_reached_by_keyboard() {
    let Some(driver) = Driver::prepare() else { return };
    let (host, _backend) = scene(&driver).await;
    driver.run("keyboard", &host, &json!({}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_follow_what_happens() {
    let Some(driver) = Driver::prepare() else { return };
    let (host, _backend) = scene(&driver).await;
    driver.run("live", &host, &json!({}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_told_and_lived_through() {
    let Some(driver) = Driver::prepare() else { return };
    let (host, _backend) = scene(&driver).await;
    let (admin, gateway) = (format!("http://{}", host.admin), format!("http://{}", host.gateway));
    let mut drive = driver.start("outage", &admin, &gateway, &json!({}));
    let wanted = |drive: &mut Drive| tokio::task::block_in_place(|| drive.line());
    let first = wanted(&mut drive);
    assert_eq!(first.as_deref(), Some("stop"), "{first:?}");
    let (setup, status) = host.stop();
    assert!(status.success());
    drive.answer("stopped");
    let second = wanted(&mut drive);
    assert_eq!(second.as_deref(), Some("start"), "{second:?}");
    let host = setup.start().await;
    drive.answer(&format!("http://{}", host.admin));
    tokio::task::block_in_place(|| drive.finish("outage"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_opens_a_session_and_nothing_less_does() {
    let Some(driver) = Driver::prepare() else { return };
    let setup = Setup::new().config("[admin]\ntoken-file = \"token\"\n").plugin("hello", "hello");
    std::fs::write(setup.path().join("token"), "a-token-of-the-tests-0123\n").unwrap();
    // It says that it is ready to everybody.
    let host = setup.start().await;
    driver.run("login", &host, &json!({"token": "a-token-of-the-tests-0123"}));
}
