use anyhow::Context;
use toml::{Table, Value};

use super::source::Tree;

const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Each crate takes versions and lints from the workspace.
pub(crate) fn check(tree: &Tree, findings: &mut Vec<String>) -> anyhow::Result<()> {
    for file in tree.files.iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        let is_member = file.room().is_some() || file.path.starts_with("xtask/");
        if !is_member {
            continue;
        }
        let manifest: Table = file.text.parse().with_context(|| format!("cannot read `{}`", file.path))?;
        if !is_workspace(manifest.get("lints")) {
            findings.push(format!("{}: `[lints]` is not `workspace = true`", file.path));
        }
        for table in TABLES {
            for (name, dependency) in manifest.get(table).and_then(Value::as_table).into_iter().flatten() {
                if !is_workspace(Some(dependency)) {
                    findings.push(format!("{}: the version of `{name}` belongs into the workspace's table", file.path));
                }
            }
        }
    }
    Ok(())
}

fn is_workspace(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(Value::as_bool) == Some(true)
}
