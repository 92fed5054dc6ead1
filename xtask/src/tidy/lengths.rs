use super::source::Tree;

const LINES_MAX: usize = 500;
/// Files that are long for a reason.
const LONG: &[(&str, &str)] = &[
    ("crates/portal/src/text/en.rs", "a catalogue: one line for each text"),
    ("crates/portal/src/text/zh.rs", "a catalogue: one line for each text"),
    ("crates/store/src/reference/registry.rs", "a contract: one short answer for each call"),
];

/// A file that does not fit on a few screens does more than one thing.
pub(crate) fn check(tree: &Tree, findings: &mut Vec<String>) {
    for file in tree.rust() {
        let is_named = LONG.iter().any(|(path, _)| *path == file.path);
        let lines = file.code().count();
        if lines > LINES_MAX && !is_named {
            findings.push(format!("{}: has {lines} lines of code, more than {LINES_MAX}", file.path));
        }
        if lines <= LINES_MAX && is_named {
            findings.push(format!("{}: is short enough, it need not be named as a long one", file.path));
        }
    }
    for (path, _) in LONG.iter().filter(|(path, _)| tree.text(path).is_none()) {
        findings.push(format!("{path}: is named as a long file, but is not there"));
    }
}
