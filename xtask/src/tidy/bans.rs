use std::collections::BTreeSet;

use anyhow::Context;
use cargo_metadata::Metadata;
use toml::{Table, Value};

use super::source::Tree;

const RULES: &str = "deny.toml";

/// Holds `deny.toml` against what the workspace is built from, so that it binds where `cargo deny`
/// is not installed: crates, features, licences, registries.
pub(crate) fn check(tree: &Tree, metadata: &Metadata, findings: &mut Vec<String>) -> anyhow::Result<()> {
    let rules: Table =
        tree.text(RULES).context("there is no `deny.toml`")?.parse().context("cannot read `deny.toml`")?;
    let lock = std::fs::read_to_string(crate::root().join("Cargo.lock")).context("there is no `Cargo.lock`")?;
    let lock: Table = lock.parse().context("cannot read `Cargo.lock`")?;

    // The lock file knows other platforms too.
    let locked = lock.get("package").and_then(Value::as_array).context("`Cargo.lock` lists no package")?;
    for ban in entries(&rules, "bans", "deny") {
        let Some(name) = text(ban, "crate") else { continue };
        if !locked.iter().any(|package| text(package, "name") == Some(name)) {
            continue;
        }
        let wrappers: BTreeSet<&str> = list(ban, "wrappers").collect();
        if wrappers.is_empty() {
            findings.push(format!("{RULES}: the workspace must not use `{name}`, see the reason there"));
        }
        for package in locked.iter().filter(|package| list(package, "dependencies").any(|needed| is_of(needed, name))) {
            let package = text(package, "name").unwrap_or_default();
            if !wrappers.is_empty() && !wrappers.contains(package) {
                findings.push(format!("{RULES}: `{package}` must not use `{name}`, see the reason there"));
            }
        }
    }

    let resolve = metadata.resolve.as_ref().context("cargo metadata resolves nothing")?;
    for rule in entries(&rules, "bans", "features") {
        for feature in list(rule, "deny") {
            let has_feature = resolve.nodes.iter().any(|node| {
                Some(metadata[&node.id].name.as_str()) == text(rule, "crate")
                    && node.features.iter().any(|has| has.as_str() == feature)
            });
            if has_feature {
                findings.push(format!("{RULES}: the feature `{feature}` must be off, see the reason there"));
            }
        }
    }

    let allowed: BTreeSet<&str> = entries(&rules, "licenses", "allow").filter_map(Value::as_str).collect();
    for package in &metadata.packages {
        let licence = package.license.as_deref().unwrap_or("none");
        if !is_allowed(licence, &allowed) {
            findings.push(format!("{RULES}: the licence of `{}` is not allowed: `{licence}`", package.name));
        }
        if package.source.as_ref().is_some_and(|source| !source.is_crates_io()) {
            findings.push(format!("{RULES}: `{}` does not come from crates.io", package.name));
        }
    }
    Ok(())
}

fn entries<'a>(rules: &'a Table, table: &str, key: &str) -> impl Iterator<Item = &'a Value> {
    rules.get(table).and_then(|table| table.get(key)).and_then(Value::as_array).into_iter().flatten()
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a str> {
    value.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Whether a dependency as the lock file names it, with its version where there are several, is that crate.
fn is_of(needed: &str, name: &str) -> bool {
    needed.split(' ').next() == Some(name)
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// Whether an SPDX expression can be met with allowed licences; the old `/` means `OR`.
fn is_allowed(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let expression = expression.replace('/', " OR ");
    let mut depth = 0;
    let mut spaced = String::new();
    for c in expression.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        // Only the outermost operators split.
        spaced.push(if c == ' ' && depth > 0 { '\u{a0}' } else { c });
    }
    spaced.split(" OR ").any(|all| {
        all.split(" AND ").all(|one| match one.trim().strip_prefix('(').and_then(|one| one.strip_suffix(')')) {
            Some(inner) => is_allowed(&inner.replace('\u{a0}', " "), allowed),
            None => allowed.contains(one.trim()),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_expression_needs_one_allowed_choice() {
        let allowed = BTreeSet::from(["MIT", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"]);
        for fine in ["MIT", "MIT OR GPL-3.0", "GPL-3.0/MIT", "(MIT OR GPL-3.0) AND Unicode-3.0", "MIT AND Unicode-3.0"]
        {
            assert!(is_allowed(fine, &allowed), "{fine}");
        }
        for bad in ["GPL-3.0", "none", "MIT AND GPL-3.0", "(MIT OR GPL-3.0) AND GPL-3.0", "Apache-2.0"] {
            assert!(!is_allowed(bad, &allowed), "{bad}");
        }
        assert!(is_allowed("GPL-3.0 OR Apache-2.0 WITH LLVM-exception", &allowed));
    }
}
