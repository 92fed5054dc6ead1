use anyhow::Context;
use toml::{Table, Value};

use super::source::Tree;

const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
const README_LINES: std::ops::RangeInclusive<usize> = 15..=45;

/// Each crate takes versions and lints from the workspace, names what it lists, and has a README
/// that is its front page.
pub(crate) fn check(tree: &Tree, findings: &mut Vec<String>) -> anyhow::Result<()> {
    for file in tree.files.iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        let is_member = file.room().is_some() || file.path.starts_with("xtask/");
        if !is_member {
            continue;
        }
        let manifest: Table = file.text.parse().with_context(|| format!("cannot read `{}`", file.path))?;
        let folder = file.path.trim_end_matches("Cargo.toml");
        if !is_workspace(manifest.get("lints")) {
            findings.push(format!("{}: `[lints]` is not `workspace = true`", file.path));
        }
        for table in TABLES {
            for (name, dependency) in manifest.get(table).and_then(Value::as_table).into_iter().flatten() {
                if !is_workspace(Some(dependency)) {
                    findings.push(format!("{}: the version of `{name}` belongs into the workspace's table", file.path));
                }
                if !is_named(tree, folder, table, name) {
                    findings.push(format!("{}: `{name}` is listed in `[{table}]` but never named", file.path));
                }
            }
        }
        if folder.starts_with("crates/") {
            readme(tree, folder, findings);
        }
    }
    Ok(())
}

fn is_workspace(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(Value::as_bool) == Some(true)
}

fn is_named(tree: &Tree, folder: &str, table: &str, name: &str) -> bool {
    let name = name.replace('-', "_");
    let ways = [format!("{name}::"), format!("use {name};"), format!("use {name} as")];
    let within = if table == "dependencies" { format!("{folder}src/") } else { folder.to_owned() };
    tree.rust().any(|file| file.path.starts_with(&within) && ways.iter().any(|way| file.text.contains(way)))
}

fn readme(tree: &Tree, folder: &str, findings: &mut Vec<String>) {
    let lines = tree.text(&format!("{folder}README.md")).map_or(0, |text| text.lines().count());
    if !README_LINES.contains(&lines) {
        let (least, most) = README_LINES.into_inner();
        findings.push(format!("{folder}README.md: has {lines} lines, not {least} to {most}"));
    }
    let front_page = "include_str!(\"../README.md\")";
    let has_front_page = ["src/lib.rs", "src/main.rs"]
        .iter()
        .filter_map(|root| tree.text(&format!("{folder}{root}")))
        .any(|text| text.contains(front_page));
    if !has_front_page {
        findings.push(format!("{folder}src: its front page is not `#![doc = {front_page}]`"));
    }
}
