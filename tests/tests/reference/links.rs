//! Links between the pages of this repository.

use std::{
    fs,
    path::{Path, PathBuf},
};

use switchyard_tests::root;

/// Folders of what is built or fetched.
const LEFT_OUT: [&str; 2] = ["target", "node_modules"];

/// A link that leads nowhere, and the page that has it.
#[test]
fn every_link_leads_somewhere() {
    let mut pages = Vec::new();
    collect(&root(), &mut pages);
    assert!(pages.len() > 20, "pages are looked for in the wrong place");
    let broken: Vec<String> = pages.iter().flat_map(|page| broken(page)).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

fn collect(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap_or_default());
        if entry.file_type().unwrap().is_dir() {
            if !name.starts_with('.') && !LEFT_OUT.contains(&name.as_str()) {
                collect(&path, pages);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
}

fn broken(page: &Path) -> Vec<String> {
    let text = prose(&fs::read_to_string(page).unwrap());
    let leads_nowhere = |target: &&str| {
        let (path, anchor) = target.split_once('#').map_or((*target, None), |(path, anchor)| (path, Some(anchor)));
        let file = if path.is_empty() { page.to_owned() } else { page.parent().unwrap().join(path) };
        let has_anchor =
            |anchor: &str| fs::read_to_string(&file).is_ok_and(|text| anchors(&text).any(|found| found == anchor));
        !file.exists() || anchor.is_some_and(|anchor| !has_anchor(anchor))
    };
    let targets = targets(&text).into_iter().filter(|target| !target.contains("://") && !target.starts_with("mailto:"));
    targets.filter(leads_nowhere).map(|target| format!("{}: {target}", page.display())).collect()
}

/// The text without code, in which brackets mean something else.
fn prose(text: &str) -> String {
    let mut inside = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        inside ^= is_fence;
        !inside && !is_fence
    });
    lines.map(|line| line.split('`').step_by(2).collect::<Vec<_>>().join("``")).collect::<Vec<_>>().join("\n")
}

fn targets(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).collect()
}

/// The anchors of a page's headings, as they are made where such pages are read.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter(|line| line.starts_with('#')).map(|line| {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

#[test]
fn what_is_a_link_and_what_is_not() {
    let text = "[a](b.md#c-d) `[x](y)` [e](f)\n```\n[no](link)\n```\n## C, d!\n";
    assert_eq!(targets(&prose(text)), ["b.md#c-d", "f"]);
    assert_eq!(anchors(text).collect::<Vec<_>>(), ["c-d"]);
}
