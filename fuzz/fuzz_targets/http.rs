//! Any bytes as what a client sends to the HTTP door.

#![no_main]
#![allow(dead_code, reason = "the door has more to say than its framing asks of it")]

#[path = "../../crates/senstation/src/door/framing.rs"]
mod framing;
#[path = "../../crates/senstation/src/door/head.rs"]
mod head;
#[path = "../../crates/senstation/src/door/refusal.rs"]
mod refusal;

use framing::{Framer, Step};
use libfuzzer_sys::fuzz_target;

/// What passes of a stream that arrives in pieces of so many bytes, and the status that ends it.
fn pass(stream: &[u8], piece: usize) -> (Vec<u8>, Option<u16>) {
    let (mut framer, mut passed, mut waiting) = (Framer::new(), Vec::new(), Vec::new());
    for piece in stream.chunks(piece) {
        waiting.extend_from_slice(piece);
        loop {
            match framer.advance(&waiting) {
                Ok(Step::Release(count)) => passed.extend(waiting.drain(..count)),
                Ok(Step::Skip(count)) => drop(waiting.drain(..count)),
                Ok(Step::More) => break,
                Ok(Step::End) => return (passed, None),
                Err(refusal) => return (passed, Some(refusal.status().as_u16())),
            }
        }
    }
    (passed, None)
}

fuzz_target!(|bytes: &[u8]| {
    let Some((piece, stream)) = bytes.split_first() else { return };
    let whole = pass(stream, stream.len().max(1));
    assert_eq!(pass(stream, usize::from(*piece).max(1)), whole, "where a stream is cut makes no difference");
});
