//! What `host/deploy` holds: a container without a container engine, a unit without systemd, as far as can be shown here.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::{fs, path::Path, process::Command};

use switchyard_tests::{Setup, component, root};

/// A line of the Containerfile: its instruction, and the rest, with what is continued.
fn instructions() -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join("host/deploy/Containerfile")).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let text = lines.join("\n").replace("\\\n", " ");
    let split = |line: &str| line.split_once(' ').map(|(word, rest)| (word.to_owned(), rest.trim().to_owned()));
    text.lines().filter_map(split).collect()
}

/// The arguments of each instruction of this name, after the last FROM: those that the image has.
fn of_image(name: &str) -> Vec<String> {
    let all = instructions();
    let last = all.iter().rposition(|(word, _)| word == "FROM").unwrap();
    all[last..].iter().filter(|(word, _)| word == name).map(|(_, rest)| rest.clone()).collect()
}

#[track_caller]
fn only(name: &str) -> String {
    let [one] = &of_image(name)[..] else { panic!("{name}: {:?}", of_image(name)) };
    one.clone()
}

/// What the binary prints, which succeeds.
#[track_caller]
fn printed(arguments: &[&str]) -> String {
    let (status, text) = Setup::new().run(arguments);
    assert!(status.success(), "{arguments:?}: {text}");
    text
}

/// Where the host's binary is.
fn binary() -> std::path::PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().map(|folder| folder.join("switchyard")).find(|file| file.is_file()).unwrap()
}

#[allow(clippy::print_stderr, reason = "whoever runs the tests is to see what they do not show")]
fn say(text: &str) {
    eprintln!("{}", text.trim());
}

/// How a command ended, and what it printed; none when it is not there.
fn run(program: &str, arguments: &[&str]) -> Option<(Option<i32>, String)> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            Some((output.status.code(), String::from_utf8_lossy(&text).into_owned()))
        }
        Err(error) => {
            say(&format!("not shown here: {program} cannot be started: {error}"));
            None
        }
    }
}

#[test]
fn the_container_is_built_from_what_is_there() {
    let ignore = fs::read_to_string(root().join(".containerignore")).unwrap();
    let mut copied = 0;
    for (_, rest) in instructions().iter().filter(|(word, rest)| word == "COPY" && !rest.contains("--from=")) {
        let words: Vec<&str> = rest.split_whitespace().collect();
        let (_, sources) = words.split_last().unwrap();
        for source in sources {
            assert!(root().join(source).exists(), "{source} is not there");
            assert!(
                ignore.lines().any(|line| line == format!("!{source}")),
                "{source} is left out by .containerignore"
            );
            copied += 1;
        }
    }
    assert!(copied >= 6, "{copied}");
    let members = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let rust = instructions().iter().find(|(word, _)| word == "ARG").unwrap().1.clone();
    let version = rust.strip_prefix("RUST=").unwrap();
    assert!(members.contains(&format!("rust-version = \"{version}\"")), "{rust}");
}

#[test]
fn the_container_runs_as_nobody_with_the_defaults_of_the_binary() {
    let from: Vec<_> = instructions().into_iter().filter(|(word, _)| word == "FROM").collect();
    assert_eq!(from.last().unwrap().1, "scratch");
    let (user, group) = only("USER").split_once(':').map(|(user, group)| (user.to_owned(), group.to_owned())).unwrap();
    assert!(user.parse::<u32>().unwrap() > 0 && group.parse::<u32>().unwrap() > 0);
    let folder = only("WORKDIR");
    let volumes: Vec<String> = serde_json::from_str(&only("VOLUME")).unwrap();
    let help = printed(&["serve", "--help"]);
    let default = |of: &str| {
        let after = help.split_once(of).unwrap_or_else(|| panic!("no {of}: {help}")).1;
        after.split_once("[default: ").unwrap().1.split_once(']').unwrap().0.trim_start_matches("./").to_owned()
    };
    assert_eq!(volumes, [default("--plugins"), default("--data")].map(|name| format!("{folder}/{name}")));
    let port = |of: &str| default(of).rsplit_once(':').unwrap().1.to_owned();
    assert_eq!(only("EXPOSE"), format!("{} {}", port("--listen <"), port("--admin <")));
    let listens = format!("SWITCHYARD_LISTEN=0.0.0.0:{}", port("--listen <"));
    assert!(help.contains("SWITCHYARD_LISTEN") && only("ENV").contains(&listens), "{}", only("ENV"));
    for volume in &volumes {
        let owned = format!("--chown={user}:{group}");
        let made = of_image("COPY").into_iter().any(|copy| copy.contains(&owned) && copy.ends_with(volume.as_str()));
        assert!(made, "{volume} is nobody's");
    }
}

#[test]
fn what_the_container_starts_is_what_the_binary_knows() {
    let list = |text: &str| serde_json::from_str::<Vec<String>>(text).unwrap();
    let entry = list(&only("ENTRYPOINT"));
    let command = list(&only("CMD"));
    let check = only("HEALTHCHECK");
    let check = list(check.split_once("CMD ").unwrap().1);
    assert_eq!(check[0], entry[0]);
    assert!(of_image("COPY").iter().any(|copy| entry[0].starts_with(copy.rsplit_once(' ').unwrap().1)));
    for words in [&command[..], &check[1..]] {
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        words.push("--help");
        printed(&words);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_health_check_says_whether_the_host_is_ready() {
    let host = Setup::new().start().await;
    let url = format!("http://{}", host.admin);
    assert_eq!(host.tell(&["health"]).0, Some(0));
    let (setup, _) = host.stop();
    let (status, text) = setup.run(&["health", "--url", &url]);
    assert_eq!(status.code(), Some(1), "{text}");
}

/// The unit with this binary in the place of the installed one, and its configuration, which is there.
fn unit(folder: &Path) -> String {
    let text = fs::read_to_string(root().join("host/deploy/switchyard.service")).unwrap();
    let config = folder.join("switchyard.toml");
    fs::write(&config, "").unwrap();
    let text = text.replace("/usr/local/bin/switchyard", binary().to_str().unwrap());
    let text = text.replace("/etc/switchyard/switchyard.toml", config.to_str().unwrap());
    let file = folder.join("switchyard.service");
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let unit = unit(folder.path());
    let Some((code, text)) = run("systemd-analyze", &["verify", &unit]) else { return };
    let about: Vec<&str> = text.lines().filter(|line| line.contains("switchyard")).collect();
    assert!(code == Some(0) && about.is_empty(), "{text}");
    let Some((_, text)) = run("systemd-analyze", &["security", "--no-pager", "--offline=true", &unit]) else { return };
    let Some((_, level)) = text.split_once("exposure level for switchyard.service: ") else {
        say(&format!("not shown here: this systemd tells no exposure without running: {text}"));
        return;
    };
    say(&format!("exposure of the unit: {}", level.trim()));
    let level: f64 = level.split_whitespace().next().unwrap().parse().unwrap();
    assert!(level < 2.0, "{text}");
}

#[test]
fn the_unit_lets_a_host_drain() {
    let text = fs::read_to_string(root().join("host/deploy/switchyard.service")).unwrap();
    let said = |name: &str| {
        let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        found.unwrap_or_else(|| panic!("{name} is not said"))
    };
    assert_eq!((said("KillSignal"), said("KillMode"), said("DynamicUser")), ("SIGTERM", "mixed", "yes"));
    // The default of `drain-timeout` for requests, and again for what they leave to be delivered.
    assert!(said("TimeoutStopSec").parse::<u32>().unwrap() > 2 * 10);
    assert!(said("ExecStart").contains(" serve "));
}

#[test]
fn a_host_lives_on_a_root_that_is_read_only_as_nobody() {
    let script = root().join("host/deploy/try-rootfs");
    let wasm = component("user-service");
    let arguments = [binary().display().to_string(), wasm.display().to_string()];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some((code, text)) = run(script.to_str().unwrap(), &arguments) else { return };
    if code == Some(77) {
        say(&text);
        return;
    }
    assert_eq!(code, Some(0), "{text}");
    for step in ["ready, as user 65532, on a root that is ro", "the component is live", "stopped, with exit code 0"] {
        assert!(text.contains(step), "{step}: {text}");
    }
}
