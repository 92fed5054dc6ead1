use super::source::{File, Tree};

/// A rule of the house: texts that do not stand in some rooms.
struct Absence {
    rule: &'static str,
    /// Rooms or files it binds; empty for all.
    within: &'static [&'static str],
    /// Rooms or files it does not bind.
    except: &'static [&'static str],
    texts: &'static [&'static str],
}

const ABSENCES: &[Absence] = &[
    Absence {
        rule: "this room does no IO and knows no runtime",
        within: &["crates/model/", "crates/codec/", "crates/chunk/"],
        // The deadline of a user's program has to be kept while it runs.
        except: &["crates/codec/src/script/engine.rs"],
        texts: &[
            "std::fs",
            "std::net",
            "std::process",
            "std::thread",
            "fs::",
            // `core::net` has addresses alone, and nothing that goes there.
            "tokio::net",
            "TcpListener",
            "TcpStream",
            "UdpSocket",
            "async fn",
            "println!",
            "eprintln!",
            "Instant::now",
        ],
    },
    Absence {
        rule: "types of this room do not serialize; each edge has its own shapes",
        within: &["crates/model/", "crates/codec/src/", "crates/chunk/", "crates/store/"],
        except: &[],
        texts: &["Serialize", "Deserialize"],
    },
    Absence {
        rule: "SQL stands only in `store-*`",
        within: &[],
        except: &["crates/store-"],
        texts: &["SELECT ", "INSERT INTO", "CREATE TABLE", "DELETE FROM", "PRAGMA "],
    },
    Absence {
        rule: "only `senstation` reads the clock, the environment or opens a port",
        within: &[],
        except: &["crates/senstation/"],
        texts: &[
            "SystemTime",
            "Timestamp::now(",
            "Zoned::now(",
            "std::env",
            "env::var",
            "env::args",
            "TcpListener::bind",
            "UdpSocket::bind",
        ],
    },
    Absence {
        rule: "OpenStream topics stand only in `stream`, which gives them, and in `client`, which reads them elsewhere",
        within: &[],
        except: &["crates/stream/", "crates/client/src/stream/"],
        texts: &["device_sensor_data", "device_status_event"],
    },
    Absence {
        rule: "no queue is unbounded",
        within: &[],
        except: &[],
        texts: &["unbounded_channel", "mpsc::channel()"],
    },
    Absence {
        rule: "an ignored test checks nothing; make it run or remove it",
        within: &["crates/", "xtask/"],
        except: &["xtask/src/tidy/"],
        texts: &["#[ignore"],
    },
];

/// Where the public error codes may stand.
const CODES: [&str; 2] = ["crates/api/", "crates/ingest/src/deviceapi/"];
const GLOBALS: [&str; 5] = ["static mut ", "Mutex<", "RwLock<", "Atomic", "RefCell<"];

/// Looks for what must not be in the rooms' code; their tests may do what they need.
pub(crate) fn check(tree: &Tree, findings: &mut Vec<String>) {
    for file in tree.rust() {
        for (number, line) in file.code() {
            let mut find = |what: &str| findings.push(format!("{}:{number}: {what}: `{}`", file.path, line.trim()));
            for absence in ABSENCES.iter().filter(|absence| absence.binds(file)) {
                if absence.texts.iter().any(|text| line.contains(text)) {
                    find(absence.rule);
                }
            }
            if file.is_built() && !CODES.iter().any(|path| file.path.starts_with(path)) && has_code(line) {
                find("public error codes stand only in `api`");
            }
            if file.is_built() && is_global(line) {
                find("no mutable state is global");
            }
        }
    }
}

impl Absence {
    fn binds(&self, file: &File) -> bool {
        let is_within = self.within.iter().any(|path| file.path.starts_with(path));
        let is_bound = if self.within.is_empty() { file.is_built() } else { is_within };
        let is_test = !file.is_built() && self.rule.contains("room");
        is_bound && !is_test && !self.except.iter().any(|path| file.path.starts_with(path))
    }
}

/// Whether a line has a string such as `"11202"`.
fn has_code(line: &str) -> bool {
    line.split('"').any(|part| {
        let part = part.strip_suffix('\\').unwrap_or(part);
        part.len() == 5 && part.starts_with('1') && part.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn is_global(line: &str) -> bool {
    let is_static = line.starts_with("static ") || line.starts_with("pub") && line.contains(" static ");
    is_static && GLOBALS.iter().any(|text| line.contains(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, line: &str, expected: usize) {
        let tree = Tree { files: vec![File { path: path.into(), text: line.into() }] };
        let mut findings = Vec::new();
        super::check(&tree, &mut findings);
        assert_eq!(findings.len(), expected, "{findings:?}");
    }

    #[test]
    fn finds_what_a_room_must_not_do() {
        check("crates/codec/src/lib.rs", "let bytes = std::fs::read(path)?;", 1);
        check("crates/model/src/lib.rs", "use std::net::IpAddr;", 1);
        check("crates/model/src/lib.rs", "use core::net::IpAddr;", 0);
        check("crates/chunk/src/lib.rs", "let socket = TcpStream::connect(address)?;", 1);
        check("crates/api/src/router.rs", "let at = SystemTime::now();", 1);
        check("crates/senstation/src/clock.rs", "let at = SystemTime::now();", 0);
        check("crates/api/src/router.rs", "let sql = \"SELECT 1\";", 1);
        check("crates/store-embedded/src/log.rs", "let sql = \"SELECT 1\";", 0);
        check("crates/ingest/src/pipeline.rs", "Err(\"11202\")", 1);
        check("crates/ingest/src/pipeline.rs", "\"{\\\"code\\\":\\\"11202\\\"}\"", 1);
        check("crates/api/src/error.rs", "Err(\"11202\")", 0);
        check("crates/api/src/error.rs", "static COUNT: AtomicU64 = AtomicU64::new(0);", 1);
        check("crates/api/src/error.rs", "let (tx, rx) = mpsc::unbounded_channel();", 1);
    }

    #[test]
    fn lets_tests_do_what_they_need() {
        check("crates/codec/tests/it/main.rs", "let bytes = std::fs::read(path)?;", 0);
        check("crates/codec/tests/it/main.rs", "#[ignore = \"slow\"]", 1);
    }
}
