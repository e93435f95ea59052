//! The templates in other languages, where their tools can be had.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use http::Method;
use serde_json::json;
use switchyard_tests::{Host, tool};

use crate::project::Project;

/// Builds a project by `build`, and starts a host with the folder that it was put into.
async fn live(project: &Project, into: &str) -> Host {
    let plugins = project.folder.join("live");
    let told =
        project.host_binary(&["build", project.folder.to_str().unwrap(), "--plugins", plugins.to_str().unwrap()]);
    let component = plugins.join(format!("{}.wasm", project.name));
    for file in [&project.folder.join(into), &component] {
        assert!(file.exists() && told.contains(file.to_str().unwrap()), "{told}");
    }
    // Compiling such a component takes half a minute where nothing else runs.
    let host = project.deployed(&component).patience(600).start_unready().await;
    host.eventually("it is compiled", async || (host.admin("/readyz").await.status == 200).then_some(())).await;
    host
}

async fn check(project: &Project, into: &str) {
    let host = live(project, into).await;
    let path = format!("/{}/Ann", project.name);
    assert_eq!(host.get(&path).await.json(), json!({"greeting": "Hello, Ann!"}), "{}", host.log());
    let answer = host.send(Method::POST, &path, r#"{"words":"Good morning"}"#).await;
    assert_eq!(answer.json(), json!({"greeting": "Good morning, Ann!"}));
    let refused = host.send(Method::POST, &path, "{").await;
    assert_eq!((refused.status.as_u16(), refused.header("content-type")), (400, "application/problem+json"));
    assert_eq!(host.send(Method::DELETE, &path, "").await.status, 405);
}

/// Takes a tool's folder as what the project's own installation would make.
fn installed(project: &Project, tool: &Path, name: &str) -> PathBuf {
    let place = project.folder.join(name);
    symlink(tool, &place).unwrap();
    place
}

#[tokio::test]
async fn javascript() {
    let project = Project::new("a-greeter", &["--language", "javascript"]);
    let Some(folder) = tool("jco") else { return };
    let modules = installed(&project, &folder.join("node_modules"), "node_modules");
    let of = |file: PathBuf| -> serde_json::Value { serde_json::from_slice(&fs::read(file).unwrap()).unwrap() };
    let package = "@bytecodealliance/componentize-js";
    let (wanted, there) =
        (of(project.folder.join("package.json")), of(modules.join(package).join("package.json"))["version"].clone());
    assert_eq!(wanted["devDependencies"][package], there, "what is tested is what the project asks for");
    project.run("npm", &["test"]);
    check(&project, "dist/a-greeter.wasm").await;
}

#[tokio::test]
async fn python() {
    let project = Project::new("a-greeter", &["--language", "python"]);
    let Some(folder) = tool("componentize-py") else { return };
    let programs = installed(&project, &folder, ".venv").join("bin");
    let version = project.run(programs.join("componentize-py").to_str().unwrap(), &["--version"]);
    let wanted = fs::read_to_string(project.folder.join("requirements.txt")).unwrap();
    let (_, wanted) = wanted.trim().split_once("==").unwrap();
    assert!(version.contains(wanted), "what is tested is what the project asks for: {version}");
    project.run(programs.join("python").to_str().unwrap(), &["-m", "unittest"]);
    check(&project, "dist/a-greeter.wasm").await;
}
