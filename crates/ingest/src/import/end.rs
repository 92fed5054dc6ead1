use std::io::{self, BufRead};

use sha2::{Digest, Sha256};

/// How an export ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// As it was written: whole.
    Whole,
    /// Without the line that ends it: it was cut off, or is no export.
    Open,
    /// With one that does not fit what stands before it.
    Altered,
}

/// Reads an export to its end, and holds the sum in its last line against what stands before it.
///
/// **Errors**: the file cannot be read.
pub fn check_end(mut input: impl BufRead) -> io::Result<Ended> {
    let mut sum = Sha256::new();
    let (mut line, mut before) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        sum.update(&before);
        std::mem::swap(&mut line, &mut before);
    }
    let Some(said) = said(&before) else { return Ok(Ended::Open) };
    let sum: [u8; 32] = sum.finalize().into();
    let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(if said == sum { Ended::Whole } else { Ended::Altered })
}

/// The sum that the last line names, if it is one that ends an export.
fn said(line: &[u8]) -> Option<String> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    if let Some(rest) = line.strip_prefix("#end,") {
        return rest.split_once(',').map(|(_, sum)| sum.to_owned());
    }
    let end: serde_json::Value = serde_json::from_str(line).ok()?;
    if end.get("end")? == true { Some(end.get("sha256")?.as_str()?.to_owned()) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(text: &str) -> Ended {
        check_end(text.as_bytes()).unwrap()
    }

    fn whole(text: &str) -> String {
        let sum: Vec<_> = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{text}#end,1,{}\n", sum.concat())
    }

    #[test]
    fn an_export_that_is_not_as_it_was_written_is_told() {
        let text = whole("a\nb\n");
        assert_eq!(ended(&text), Ended::Whole);
        assert_eq!(ended(&whole("")), Ended::Whole);
        for len in 0..text.len() {
            assert_eq!(ended(&text[..len]), Ended::Open, "cut at {len}");
        }
        assert_eq!(ended(&text.replace('b', "c")), Ended::Altered);
        assert_eq!(ended(&format!("{text}b\n")), Ended::Open);
    }
}
