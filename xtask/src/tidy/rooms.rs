use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use cargo_metadata::{DependencyKind, Metadata, PackageId};

use super::source::Tree;

const TABLE: &str = "ARCHITECTURE.md";
/// What tests of any room may use beside the room's own: the endpoints are tested on a real store.
const TESTS_MAY_USE: &str = "store-embedded";
/// What no room may reach, however many crates lie between.
const UNREACHABLE: [(&[&str], &[&str]); 3] = [
    (&["model", "codec", "chunk"], &["tokio", "mio", "serde", "serde_json", "rusqlite", "rustix"]),
    // The hash tables of the engine of users' codecs name it where another room of the build asks them to.
    (&["model", "chunk"], &["serde_core"]),
    (&["store"], &["serde_json", "rusqlite", "axum", "hyper"]),
];
/// Crates that only some rooms name.
const ONLY: [(&str, &[&str]); 2] =
    [("rusqlite", &["store-embedded", "xtask"]), ("store-embedded", &["senstation", "xtask"])];

/// Holds the table of rooms against what cargo knows.
pub(crate) fn check(tree: &Tree, metadata: &Metadata, findings: &mut Vec<String>) -> anyhow::Result<()> {
    let table = table(tree.text(TABLE).context("there is no `ARCHITECTURE.md`")?);
    let packages = metadata.workspace_packages();
    let rooms: BTreeSet<&str> =
        packages.iter().map(|package| package.name.as_str()).filter(|p| *p != "xtask").collect();
    for room in &rooms {
        if !table.contains_key(*room) {
            findings.push(format!("{TABLE}: the table does not name the room `{room}`"));
        }
    }
    for room in table.keys().filter(|room| !rooms.contains(room.as_str())) {
        findings.push(format!("{TABLE}: there is no room `{room}`"));
    }
    for package in &packages {
        let room = package.name.as_str();
        for dependency in &package.dependencies {
            let used = dependency.name.as_str();
            let is_test = dependency.kind == DependencyKind::Development;
            let may_use = table.get(room).is_none_or(|may_use| may_use.allows(used));
            if rooms.contains(used) && !may_use && !(is_test && used == TESTS_MAY_USE) {
                findings.push(format!("crates/{room}/Cargo.toml: the room `{room}` may not use `{used}`"));
            }
            for (only, by) in ONLY {
                if used == only && !is_test && !by.contains(&room) {
                    findings.push(format!("crates/{room}/Cargo.toml: `{only}` is only for {}", by.join(", ")));
                }
            }
        }
    }
    for (from, banned) in UNREACHABLE {
        for package in packages.iter().filter(|package| from.contains(&package.name.as_str())) {
            let reached = reached(metadata, &package.id)?;
            for banned in banned.iter().filter(|banned| reached.contains(**banned)) {
                findings.push(format!("crates/{0}/Cargo.toml: `{0}` must not reach `{banned}`", package.name));
            }
        }
    }
    Ok(())
}

/// What the table lets a room use.
enum MayUse {
    All,
    These(BTreeSet<String>),
}

impl MayUse {
    fn allows(&self, room: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(rooms) => rooms.contains(room),
        }
    }
}

/// The rows `| room | what it is | may use |` whose room is in backticks.
fn table(text: &str) -> BTreeMap<String, MayUse> {
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim);
        let (room, _, may_use) = (cells.next()?, cells.next()?, cells.next()?);
        let room = between_backticks(room).next()?;
        let these = between_backticks(may_use).map(str::to_owned).collect();
        Some((room.to_owned(), if may_use == "all" { MayUse::All } else { MayUse::These(these) }))
    });
    rows.collect()
}

pub(crate) fn between_backticks(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Names of all packages that a package is built with.
fn reached<'a>(metadata: &'a Metadata, from: &'a PackageId) -> anyhow::Result<BTreeSet<&'a str>> {
    let resolve = metadata.resolve.as_ref().context("cargo metadata resolves nothing")?;
    let mut seen = BTreeSet::from([from]);
    let mut left = vec![from];
    while let Some(id) = left.pop() {
        let node = resolve.nodes.iter().find(|node| node.id == *id).context("a package is not resolved")?;
        for dependency in &node.deps {
            let is_built = dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
            if is_built && !is_macro(metadata, &dependency.pkg) && seen.insert(&dependency.pkg) {
                left.push(&dependency.pkg);
            }
        }
    }
    Ok(seen.into_iter().map(|id| metadata[id].name.as_str()).collect())
}

/// What a macro uses while compiling does not end up in the room.
fn is_macro(metadata: &Metadata, id: &PackageId) -> bool {
    metadata[id].targets.iter().any(|target| target.is_proc_macro())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_row_by_row() {
        let table = table(
            "| room | what | may use |\n|---|---|---|\n| `model` | words | – |\n\
             | `codec` | bytes | `model` |\n| `senstation` | the binary | all |\n",
        );
        assert_eq!(table.keys().collect::<Vec<_>>(), ["codec", "model", "senstation"]);
        assert!(!table["model"].allows("codec"));
        assert!(table["codec"].allows("model") && !table["codec"].allows("store"));
        assert!(table["senstation"].allows("store"));
    }
}
