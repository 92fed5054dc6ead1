use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

/// Every text file of the workspace, by its path from the root.
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
}

/// A text file.
pub(crate) struct File {
    /// From the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Folders whose files are not written by people.
const NOT_OURS: [&str; 6] = ["target", "demo-data", "senstation-data", "corpus", "artifacts", "vendor"];
/// Hidden entries that belong to the project nevertheless.
const SHOWN: [&str; 4] = [".cargo", ".ci", ".github", ".gitignore"];
const TEXT: [&str; 8] = ["rs", "md", "toml", "tsv", "sh", "sql", "yaml", "json"];

impl Tree {
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).with_context(|| format!("cannot list `{}`", folder.display()))? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if NOT_OURS.contains(&name.as_str()) || name.starts_with('.') && !SHOWN.contains(&name.as_str()) {
                    continue;
                }
                if entry.file_type()?.is_dir() {
                    folders.push(entry.path());
                } else if is_text(&entry.path()) {
                    let text = fs::read_to_string(entry.path())
                        .with_context(|| format!("cannot read `{}`", entry.path().display()))?;
                    let path = entry.path().strip_prefix(root)?.to_string_lossy().replace('\\', "/");
                    files.push(File { path, text });
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path).map(|file| file.text.as_str())
    }

    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    pub(crate) fn markdown(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".md"))
    }

    /// Whether a file or folder is there; text or not.
    pub(crate) fn has(&self, path: &str) -> bool {
        crate::root().join(path).exists()
    }
}

/// Scripts of this workspace have no extension.
fn is_text(path: &Path) -> bool {
    match path.extension() {
        Some(extension) => TEXT.iter().any(|text| extension == *text),
        None => path.file_name().is_some_and(|name| name != ".gitignore"),
    }
}

impl File {
    /// The room it lies in, such as `api`.
    pub(crate) fn room(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// Whether it is part of what a room builds, not of its tests.
    pub(crate) fn is_built(&self) -> bool {
        self.room().is_some_and(|room| self.path.starts_with(&format!("crates/{room}/src/")))
    }

    /// Lines that are neither blank, comment nor test module, with their numbers, comments at their
    /// ends cut off.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut in_tests = None;
        self.text.lines().enumerate().filter_map(move |(index, line)| {
            let indent = line.len() - line.trim_start().len();
            let trimmed = line.trim();
            if let Some(tests) = in_tests {
                if indent == tests && (trimmed == "}" || trimmed.ends_with(';')) {
                    in_tests = None;
                }
                return None;
            }
            if trimmed == "#[cfg(test)]" {
                in_tests = Some(indent);
                return None;
            }
            if trimmed.is_empty() || trimmed.starts_with("//") {
                return None;
            }
            Some((index + 1, line.split(" // ").next().unwrap_or(line)))
        })
    }
}

/// Where a relative link in a file leads, from the root.
pub(crate) fn resolve(file: &str, link: &str) -> String {
    let mut path = PathBuf::from(file);
    path.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_what_is_built() {
        let text = "//! Doc.\nuse a; // why\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";
        let file = File { path: "crates/model/src/lib.rs".into(), text: text.into() };
        assert_eq!(file.code().collect::<Vec<_>>(), [(2, "use a;"), (8, "fn c() {}")]);
    }

    #[test]
    fn a_test_module_in_its_own_file_ends_at_its_semicolon() {
        let file = File { path: String::new(), text: "#[cfg(test)]\nmod tests;\nfn c() {}\n".into() };
        assert_eq!(file.code().collect::<Vec<_>>(), [(3, "fn c() {}")]);
    }

    #[test]
    fn links_resolve_from_their_file() {
        assert_eq!(resolve("docs/a.md", "../crates/api/README.md"), "crates/api/README.md");
        assert_eq!(resolve("README.md", "./docs/"), "docs");
    }
}
