//! Every command of the README, run as it stands there but for ports and the profile.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::{fs, path::Path, process::Command};

use switchyard_tests::{Host, Setup, root};

/// The commands in the README's `sh` blocks, in order.
fn commands() -> Vec<String> {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let mut commands = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            _ if inside => commands.push(line.to_owned()),
            _ => {}
        }
    }
    commands
}

/// What a clone holds that the example services are built from.
fn copy_sources(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let name = entry.file_name();
        let built = name == "target" || entry.path().extension().is_some_and(|extension| extension == "wasm");
        if built {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy_sources(&entry.path(), &to.join(name));
        } else {
            fs::copy(entry.path(), to.join(name)).unwrap();
        }
    }
}

/// Runs a `curl` line of the README against this host.
fn curl(host: &Host, command: &str) -> String {
    let command = command.replace("127.0.0.1:3000", &host.gateway.to_string());
    let command = command.replace("127.0.0.1:3900", &host.admin.to_string());
    let output = Command::new("sh").args(["-c", &command.replacen("curl", "curl -sS --fail", 1)]).output().unwrap();
    assert!(output.status.success(), "{command}: {}\n{}", String::from_utf8_lossy(&output.stderr), host.log());
    String::from_utf8(output.stdout).unwrap()
}

/// Commands that talk to a running host, and a word of what they print; of those that begin alike the longer one first.
const SHOWS: [(&str, &str); 15] = [
    ("status", "services"),
    ("logs user-service", "user-service"),
    ("deploy plugins/user-service.wasm", "user-service"),
    ("ps", "user-service"),
    ("traffic user-service", "0.1.0"),
    ("services register", "legacy"),
    ("routes add", "is there"),
    ("services", "legacy"),
    ("events publish order.created", "published"),
    ("events tail", "order.created"),
    ("queues", "emails"),
    ("subscriptions", "order."),
    ("sagas start", "is completed"),
    ("sagas show", "payment.charge"),
    ("sagas", "process-order"),
];

/// Runs a command of the README that talks to a running host.
fn remote(host: &Host, line: &str) -> String {
    local(host, &format!("{line} --url http://{}", host.admin))
}

/// Runs a command of the README in the host's folder.
fn local(host: &Host, line: &str) -> String {
    let line = format!("\"$0\" {line}");
    let binary = host.command(&[]).get_program().to_owned();
    let output = Command::new("sh").arg("-c").arg(&line).arg(binary).current_dir(host.path()).output().unwrap();
    assert!(output.status.success(), "{line}: {}\n{}", String::from_utf8_lossy(&output.stderr), host.log());
    String::from_utf8(output.stdout).unwrap()
}

/// Makes a project, and has it served from its folder.
async fn new_project(target: &Path) {
    let setup = Setup::new();
    let (status, text) = setup.run(&["new", "greeter", "--path", "made"]);
    assert!(status.success(), "{text}");
    for entry in fs::read_dir(setup.path().join("made")).unwrap().map(Result::unwrap) {
        fs::rename(entry.path(), setup.path().join(entry.file_name())).unwrap();
    }
    let host = setup.env("CARGO_TARGET_DIR", target.to_str().unwrap()).command("dev").patience(600).start().await;
    host.until("greeter", "active", |plugin| plugin["state"] == "active").await;
    assert!(host.get("/greeter/Ann").await.text().contains("Hello, Ann!"), "{}", host.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_of_the_readme_does_what_it_says() {
    let mut setup = Setup::new();
    for folder in ["plugins", "sdk", "wit"] {
        copy_sources(&root().join(folder), &setup.path().join(folder));
    }
    // Compiled dependencies are shared with the other builds of guests.
    let built = root().join("target/guests/build/plugins");
    setup = setup.env("CARGO_TARGET_DIR", built.to_str().unwrap()).patience(600);
    let mut setup = Some(setup);
    let mut host: Option<Host> = None;
    let mut restart = |host: &mut Option<Host>| match host.take() {
        Some(running) => running.stop().0,
        None => setup.take().unwrap(),
    };
    for command in commands() {
        match command.strip_prefix("cargo run --release -- ").unwrap_or(&command) {
            "dev" => {
                let running = restart(&mut host).command("dev").start().await;
                running.until("user-service", "active", |plugin| plugin["state"] == "active").await;
                host = Some(running);
            }
            "serve --plugins plugins --data data" => {
                let running = restart(&mut host).command("serve --plugins plugins --data data").start().await;
                assert!(running.get("/api/users").await.text().contains("ann@example.com"));
                host = Some(running);
            }
            "inspect plugins/user-service.wasm" => {
                let (status, text) = host.as_ref().unwrap().run(&["inspect", "plugins/user-service.wasm"]);
                assert!(status.success() && text.contains("user-service"), "{text}");
            }
            "switchyard new greeter && cd greeter && switchyard dev" => new_project(&root().join("target/new")).await,
            line if line.starts_with("curl ") => {
                let text = curl(host.as_ref().unwrap(), line);
                let expected = match line {
                    line if line.ends_with("/health") => "healthy",
                    line if line.ends_with("/metrics") => "http_server_request_duration_seconds_bucket",
                    line if line.ends_with("/overview") => "diskFree",
                    line if line.contains("/messages") => "id",
                    line if line.contains("/api/orders") || line.contains("/api/v1/sagas") => "sagaId",
                    line if line.contains("/api/inventory") => "reserved",
                    _ => "ann@example.com",
                };
                assert!(text.contains(expected), "{line}: {text}");
            }
            line if SHOWS.iter().any(|(command, _)| line.starts_with(command)) => {
                let (_, expected) = SHOWS.iter().find(|(command, _)| line.starts_with(command)).unwrap();
                let text = remote(host.as_ref().unwrap(), line);
                assert!(text.contains(expected), "{line}: {text}");
            }
            "check" => assert!(local(host.as_ref().unwrap(), "check").contains("user-service")),
            "explain SY2007" => {
                assert!(local(host.as_ref().unwrap(), "explain SY2007").contains("What helps"));
            }
            line if line.starts_with("saga test ") => {
                let text = local(host.as_ref().unwrap(), line);
                assert!(text.contains("the books balance"), "{line}: {text}");
            }
            // What runs this test.
            "tests/run" => {}
            unknown => panic!("the README has a command that no test runs: {unknown}"),
        }
    }
    assert!(host.is_some());
}
