//! `docs/mqtt.md` names every statement of the standards, and tests try those that it says are tried.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// Version and number of a statement.
type Statement = (&'static str, String);

/// Sections of MQTT 3.1.1 that have statements, and the numbers of the first and the last.
const V3: &[(&str, u8, u8)] = &[
    ("1.5.3", 1, 3),
    ("2.2.2", 1, 2),
    ("2.3.1", 1, 7),
    ("3.1.0", 1, 2),
    ("3.1.2", 1, 24),
    ("3.1.3", 1, 11),
    ("3.1.4", 1, 5),
    ("3.2.0", 1, 1),
    ("3.2.2", 1, 6),
    ("3.3.1", 1, 12),
    ("3.3.2", 1, 3),
    ("3.3.4", 1, 1),
    ("3.3.5", 1, 2),
    ("3.6.1", 1, 1),
    ("3.8.1", 1, 1),
    ("3.8.3", 1, 4),
    ("3.8.4", 1, 6),
    ("3.9.3", 1, 2),
    ("3.10.1", 1, 1),
    ("3.10.3", 1, 2),
    ("3.10.4", 1, 6),
    ("3.12.4", 1, 1),
    ("3.14.1", 1, 1),
    ("3.14.4", 1, 3),
    ("4.1.0", 1, 2),
    ("4.3.1", 1, 1),
    ("4.3.2", 1, 2),
    ("4.3.3", 1, 2),
    ("4.4.0", 1, 1),
    ("4.5.0", 1, 2),
    ("4.6.0", 1, 6),
    ("4.7.1", 1, 3),
    ("4.7.2", 1, 1),
    ("4.7.3", 1, 4),
    ("4.8.0", 1, 2),
    ("6.0.0", 1, 4),
    ("7.0.0", 1, 2),
    ("7.1.1", 1, 1),
    ("7.1.2", 1, 1),
];

/// The same of MQTT 5.
const V5: &[(&str, u8, u8)] = &[
    ("1.5.4", 1, 3),
    ("1.5.5", 1, 1),
    ("1.5.7", 1, 1),
    ("2.1.3", 1, 1),
    ("2.2.1", 2, 6),
    ("2.2.2", 1, 1),
    ("3.1.0", 1, 2),
    ("3.1.2", 1, 30),
    ("3.1.3", 1, 12),
    ("3.1.4", 1, 6),
    ("3.2.0", 1, 2),
    ("3.2.2", 1, 22),
    ("3.3.1", 1, 13),
    ("3.3.2", 1, 20),
    ("3.3.4", 1, 10),
    ("3.4.2", 1, 3),
    ("3.5.2", 1, 3),
    ("3.6.1", 1, 1),
    ("3.6.2", 1, 3),
    ("3.7.2", 1, 3),
    ("3.8.1", 1, 1),
    ("3.8.3", 1, 5),
    ("3.8.4", 1, 8),
    ("3.9.2", 1, 2),
    ("3.9.3", 1, 2),
    ("3.10.1", 1, 1),
    ("3.10.3", 1, 2),
    ("3.10.4", 1, 6),
    ("3.11.2", 1, 2),
    ("3.11.3", 1, 2),
    ("3.12.4", 1, 1),
    ("3.14.0", 1, 1),
    ("3.14.1", 1, 1),
    ("3.14.2", 1, 4),
    ("3.14.4", 1, 3),
    ("3.15.1", 1, 1),
    ("3.15.2", 1, 3),
    ("4.1.0", 1, 2),
    ("4.2", 1, 1),
    ("4.3.1", 1, 1),
    ("4.3.2", 1, 5),
    ("4.3.3", 1, 13),
    ("4.4.0", 1, 2),
    ("4.5.0", 1, 2),
    ("4.6.0", 1, 6),
    ("4.7.0", 1, 1),
    ("4.7.1", 1, 2),
    ("4.7.2", 1, 1),
    ("4.7.3", 1, 4),
    ("4.8.2", 1, 6),
    ("4.9.0", 1, 3),
    ("4.12.0", 1, 7),
    ("4.12.1", 1, 2),
    ("4.13.1", 1, 1),
    ("4.13.2", 1, 1),
    ("6.0.0", 1, 4),
];

/// Every statement there is.
fn all() -> BTreeSet<Statement> {
    let of = |version: &'static str, sections: &[(&str, u8, u8)]| -> Vec<Statement> {
        let numbers = |(section, first, last): &(&str, u8, u8)| {
            (*first..=*last).map(|number| (version, format!("{section}-{number}"))).collect::<Vec<_>>()
        };
        sections.iter().flat_map(numbers).collect()
    };
    [of("3.1.1", V3), of("5", V5)].concat().into_iter().collect()
}

/// The statements that a line names: a version and a colon, and numbers up to something else.
fn named(line: &str) -> Vec<Statement> {
    let (mut found, mut version) = (Vec::new(), None);
    for word in line.split([' ', '"', ',', '|']).filter(|word| !word.is_empty()) {
        match word {
            "3.1.1:" => version = Some("3.1.1"),
            "5:" => version = Some("5"),
            word if is_number(word) => found.extend(version.map(|version| (version, word.to_owned()))),
            _ => version = None,
        }
    }
    found
}

fn is_number(word: &str) -> bool {
    word.split_once('-').is_some_and(|(section, number)| {
        section.contains('.')
            && section.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[test]
fn every_statement_is_where_the_documentation_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let documentation = std::fs::read_to_string(root.join("docs/mqtt.md")).unwrap();
    let (mut tried, mut others): (BTreeMap<PathBuf, BTreeSet<Statement>>, Vec<Statement>) = Default::default();
    for line in documentation.lines() {
        let file = line.strip_prefix("| `crates/").and_then(|rest| rest.split_once('`'));
        match file {
            Some((file, _)) => tried.entry(root.join("crates").join(file)).or_default().extend(named(line)),
            None => others.extend(named(line)),
        }
    }
    assert!(tried.len() > 5, "{tried:?}");
    for (file, said) in &tried {
        let source = std::fs::read_to_string(file).unwrap();
        let done: BTreeSet<Statement> = source.lines().flat_map(named).collect();
        assert_eq!(&done, said, "{}: what the tests name, and what is said of them", file.display());
    }
    let once: BTreeSet<Statement> = tried.values().flatten().chain(&others).cloned().collect();
    let (missing, unknown): (Vec<_>, Vec<_>) =
        (all().difference(&once).cloned().collect(), once.difference(&all()).cloned().collect());
    assert!(missing.is_empty() && unknown.is_empty(), "missing: {missing:?}; there are none such: {unknown:?}");
}
