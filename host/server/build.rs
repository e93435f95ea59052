//! Makes the table of what `new` writes into a project: the SDK, the WIT packages, the templates, and the lock file that
//! says which versions of other crates the SDK is known to build with.
//!
//! The table is made anew for each build, so that what the binary carries is what this version was tested with.
#![allow(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]

use std::{
    env,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

/// Names of what lies in those folders and is made there, or is only for whoever develops them.
const LEFT_OUT: [&str; 2] = ["target", "node_modules"];

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or_else(|| io::Error::other("not run by cargo"))?);
    let root = root.join("../..").canonicalize()?;
    let mut text = String::new();
    table(&mut text, "SDK", &root.join("sdk"), &["Cargo.toml", "src"])?;
    table(&mut text, "WIT", &root.join("wit"), &["."])?;
    table(&mut text, "TEMPLATES", &root.join("sdk/templates"), &["."])?;
    let lock = root.join("plugins/Cargo.lock");
    println!("cargo:rerun-if-changed={}", lock.display());
    line(&mut text, &format!("pub(super) static LOCK: &str = include_str!({:?});", lock.display().to_string()));
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("not run by cargo"))?;
    fs::write(Path::new(&out).join("carried.rs"), text)
}

/// One table: the files of these parts of a folder, sorted, by their paths in it.
fn table(text: &mut String, name: &str, folder: &Path, parts: &[&str]) -> io::Result<()> {
    let mut files = Vec::new();
    for part in parts {
        let path = folder.join(part);
        println!("cargo:rerun-if-changed={}", path.display());
        collect(&path, &mut files)?;
    }
    files.sort();
    line(text, &format!("pub(super) static {name}: &[(&str, &[u8])] = &["));
    for file in files {
        let inside = file.strip_prefix(folder.join(".")).map_err(io::Error::other)?;
        let (inside, file) = (inside.display().to_string(), file.display().to_string());
        line(text, &format!("    ({inside:?}, include_bytes!({file:?})),"));
    }
    line(text, "];");
    Ok(())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if path.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !name.starts_with('.') && !LEFT_OUT.contains(&name.as_ref()) {
            collect(&entry.path(), files)?;
        }
    }
    Ok(())
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a string can always be written to");
}
