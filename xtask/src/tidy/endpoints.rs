use super::source::Tree;

const ROUTER: &str = "crates/api/src/router.rs";
const ENDPOINTS: &str = "crates/api/src/openapi/";

/// The URL names the file, and an endpoint does not import another.
pub(crate) fn check(tree: &Tree, findings: &mut Vec<String>) {
    let Some(router) = tree.text(ROUTER) else { return };
    let urls = router.split("\"/openapi/").skip(1).filter_map(|rest| rest.split('"').next());
    let is_name =
        |url: &&str| !url.is_empty() && url.bytes().all(|byte| byte.is_ascii_lowercase() || b"_.".contains(&byte));
    let endpoints: Vec<&str> = urls.filter(is_name).collect();
    for endpoint in &endpoints {
        let path = format!("{ENDPOINTS}{}.rs", endpoint.replace('.', "_"));
        let Some(file) = tree.files.iter().find(|file| file.path == path) else {
            findings.push(format!("{ROUTER}: the URL `/openapi/{endpoint}` does not lead to `{path}`"));
            continue;
        };
        for (number, line) in file.code() {
            for other in endpoints.iter().filter(|other| *other != endpoint) {
                if line.contains(&format!("{other}::")) {
                    findings.push(format!("{path}:{number}: an endpoint does not import another: `{}`", line.trim()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::source::File, *};

    #[test]
    fn finds_a_missing_file_and_an_import() {
        let files = [
            (ROUTER, ".route(\"/openapi/a\", get(a))\n.route(\"/openapi/b\", get(b))\n.route(\"/openapi/c\", get(c))"),
            ("crates/api/src/openapi/a.rs", "use super::b::Answer;"),
            ("crates/api/src/openapi/b.rs", "use super::page::Page;"),
        ];
        let files = files.map(|(path, text)| File { path: path.into(), text: text.into() });
        let mut findings = Vec::new();
        check(&Tree { files: files.into() }, &mut findings);
        assert_eq!(findings.len(), 2, "{findings:?}");
    }
}
