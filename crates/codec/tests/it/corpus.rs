//! The fuzzer's corpus, replayed.

use std::{fs, path::Path};

use codec::Codec;

use crate::properties::assert_sound;

#[test]
fn nothing_in_the_corpus_breaks_a_codec() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/codec");
    let mut replayed = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let input = fs::read(entry.unwrap().path()).unwrap();
        let [index, f_port, payload @ ..] = input.as_slice() else { continue };
        let codecs = Codec::all();
        assert_sound(&codecs[usize::from(*index) % codecs.len()], *f_port, payload);
        replayed += 1;
    }
    assert!(replayed >= Codec::all().len(), "only {replayed} seeds");
}
