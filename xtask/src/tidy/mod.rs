//! What no compiler checks, as absences: each finding is a sentence that names a place.

mod absences;
mod bans;
mod documents;
mod endpoints;
mod lengths;
mod manifests;
mod rooms;
mod source;

use std::path::Path;

use anyhow::{Context, bail};
use cargo_metadata::{Metadata, MetadataCommand};

use source::Tree;

/// Prints every finding. **Errors**: if there is any.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let findings = findings(root)?;
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("tidy: {} to put in order", findings.len());
    }
    println!("tidy: in order");
    Ok(())
}

fn findings(root: &Path) -> anyhow::Result<Vec<String>> {
    let tree = Tree::read(root)?;
    let metadata = metadata(root)?;
    let mut findings = Vec::new();
    rooms::check(&tree, &metadata, &mut findings)?;
    manifests::check(&tree, &mut findings)?;
    absences::check(&tree, &mut findings);
    endpoints::check(&tree, &mut findings);
    lengths::check(&tree, &mut findings);
    documents::check(&tree, &mut findings);
    bans::check(&tree, &metadata, &mut findings)?;
    findings.sort();
    Ok(findings)
}

/// Only what is built for this machine, because cargo has that at hand without a network.
fn metadata(root: &Path) -> anyhow::Result<Metadata> {
    MetadataCommand::new()
        .current_dir(root)
        .other_options(["--filter-platform".to_owned(), "host-tuple".to_owned()])
        .exec()
        .context("cargo metadata does not answer")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_workspace_is_in_order() {
        let findings = super::findings(&crate::root()).unwrap();
        assert!(findings.is_empty(), "\n{}", findings.join("\n"));
    }
}
