use super::{
    rooms::between_backticks,
    source::{File, Tree, resolve},
};

/// Paths that only exist on somebody's machine, without the slashes around them.
const MACHINE: [&str; 4] = ["home", "root", "Users", "work"];
/// What a path into this workspace starts with.
const OURS: [&str; 5] = ["crates/", "xtask/", "docs/", "scripts/", ".ci/"];

/// Links and paths in documents lead somewhere; nothing names a path of somebody's machine.
pub(crate) fn check(tree: &Tree, findings: &mut Vec<String>) {
    for file in tree.markdown() {
        for (number, line) in prose(&file.text) {
            for link in links(line).filter(|link| !leads_somewhere(tree, file, link)) {
                findings.push(format!("{}:{number}: the link `{link}` leads nowhere", file.path));
            }
            for path in between_backticks(line).filter(|text| is_our_path(text) && !tree.has(text)) {
                findings.push(format!("{}:{number}: there is no `{path}`", file.path));
            }
        }
    }
    for file in &tree.files {
        for (index, line) in file.text.lines().enumerate() {
            if names_a_machine(line) {
                findings.push(format!("{}:{}: a path of somebody's machine: `{}`", file.path, index + 1, line.trim()));
            }
        }
    }
}

/// Lines outside of code blocks, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
            return None;
        }
        (!in_code).then_some((index + 1, line))
    })
}

/// Targets of `[text](target)`.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// Other hosts and Rust items are not ours to check.
fn leads_somewhere(tree: &Tree, file: &File, link: &str) -> bool {
    if link.contains("://") || link.starts_with("mailto:") || link.contains("::") {
        return true;
    }
    let (path, heading) = link.split_once('#').unwrap_or((link, ""));
    let path = if path.is_empty() { file.path.clone() } else { resolve(&file.path, path) };
    let text = if path == file.path { Some(file.text.as_str()) } else { tree.text(&path) };
    match text {
        Some(text) => heading.is_empty() || text.lines().any(|line| slug(line).as_deref() == Some(heading)),
        None => heading.is_empty() && tree.has(&path),
    }
}

/// A heading as it is linked to.
fn slug(line: &str) -> Option<String> {
    let heading = line.strip_prefix('#')?.trim_start_matches('#').trim().to_lowercase();
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    Some(kept.map(|c| if c == ' ' { '-' } else { c }).collect())
}

fn is_our_path(text: &str) -> bool {
    OURS.iter().any(|start| text.starts_with(start)) && !text.contains([' ', '*', '<', '{', '…'])
}

fn names_a_machine(line: &str) -> bool {
    MACHINE.iter().any(|folder| {
        let path = format!("/{folder}/");
        line.match_indices(&path).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            before.is_none_or(|c| !c.is_alphanumeric() && !"_-.}$/".contains(c))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_dead_links_and_paths() {
        let text = "# A b\n[x](#a-b) [y](#nope) [z](nowhere.md) [h](https://example.org/)\n`docs/nowhere.md` `docs/`\n\
                    ```\n[in](code.md)\n```\n";
        let tree = Tree { files: vec![File { path: "a.md".into(), text: text.into() }] };
        let mut findings = Vec::new();
        check(&tree, &mut findings);
        assert_eq!(
            findings,
            [
                "a.md:2: the link `#nope` leads nowhere",
                "a.md:2: the link `nowhere.md` leads nowhere",
                "a.md:3: there is no `docs/nowhere.md`",
            ]
        );
    }

    #[test]
    fn finds_paths_of_a_machine() {
        for folder in MACHINE {
            assert!(names_a_machine(&format!("see /{folder}/somebody")));
            assert!(!names_a_machine(&format!("GET https://example.org/{folder}/somebody")));
        }
    }
}
