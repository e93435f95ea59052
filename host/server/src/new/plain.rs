//! The standard interfaces for projects of other languages: what a service needs, and nothing of Switchyard.

use anyhow::Context;

use super::{
    carried,
    template::{Files, Language},
};

/// The version of WASI that this binary carries, and the one that the JavaScript engine of componentize-js is made for: it
/// takes no other one, not even a newer patch of it.
const WASI: &str = "0.2.12";
const WASI_JAVASCRIPT: &str = "0.2.10";

/// The packages that a service may want to import from.
const PACKAGES: [&str; 7] = ["clocks", "config", "http", "io", "keyvalue", "logging", "random"];

/// The packages, and a world of a service.
///
/// # Errors
/// When what this binary carries is no text.
pub(super) fn interfaces(language: Language) -> anyhow::Result<Files> {
    let package = |path: &str| PACKAGES.iter().any(|name| path.starts_with(&format!("deps/{name}/")));
    let packages = carried::WIT.iter().filter(|(path, _)| package(path)).map(|(path, bytes)| (*path, *bytes, false));
    let world = carried::TEMPLATES.iter().filter_map(|(path, bytes)| Some((path.strip_prefix("wit/")?, *bytes, true)));
    let mut files = Files::new();
    for (path, bytes, has_world) in packages.chain(world) {
        let text = std::str::from_utf8(bytes).context("an interface is text")?;
        let text = if has_world { text.to_owned() } else { without_worlds(text) };
        let text = if language == Language::Javascript { text.replace(WASI, WASI_JAVASCRIPT) } else { text };
        files.insert(path.to_owned(), text.into_bytes().into());
    }
    Ok(files)
}

/// The interfaces of a package alone. Its worlds import files and sockets, whose packages would have to be there too.
fn without_worlds(package: &str) -> String {
    // What stands in front of something at the top: its documentation and attributes.
    let (mut text, mut before, mut is_in_world) = (String::new(), String::new(), false);
    for line in package.split_inclusive('\n') {
        if is_in_world {
            is_in_world = !line.starts_with('}');
        } else if line.starts_with("world ") {
            before.clear();
            is_in_world = !line.trim_end().ends_with('}');
        } else if line.starts_with('@') || line.starts_with("///") {
            before.push_str(line);
        } else {
            text.push_str(&before);
            text.push_str(line);
            before.clear();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worlds_are_left_out_with_what_stands_before_them() {
        let package = "package a:b@0.2.12;\n\n/// One.\n@since(version = 0.2.0)\ninterface one {\n  /// world here\n}\n\n\
            /// All.\n@since(version = 0.2.0)\nworld imports {\n  import one;\n}\nworld none {}\ninterface two {\n}\n";
        let expected = "package a:b@0.2.12;\n\n/// One.\n@since(version = 0.2.0)\ninterface one {\n  /// world here\n}\n\n\
            interface two {\n}\n";
        assert_eq!(without_worlds(package), expected);
    }

    #[test]
    fn every_package_has_the_version_of_the_engine() {
        for (language, version) in [(Language::Javascript, WASI_JAVASCRIPT), (Language::Python, WASI)] {
            let files = interfaces(language).unwrap();
            let text = |path: &str| std::str::from_utf8(&files[path]).unwrap();
            assert!(text("deps/http/package.wit").starts_with(&format!("package wasi:http@{version};")));
            assert!(text("world.wit").contains(&format!("export wasi:http/incoming-handler@{version};")));
            assert!(!files.keys().any(|path| path.contains("sockets")));
        }
    }
}
