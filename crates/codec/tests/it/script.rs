//! What users' programs may do, and what becomes of those that do something else.

use codec::script::{self, Answer, Call, Error};
use model::{CodecExamples, CodecVersion, OrgId, Reading, Timestamp, UserCodec, Value};
use proptest::prelude::*;

fn run(source: &str) -> Result<Answer, Error> {
    let payload = [0x01, 0x10, 0xFF];
    script::run(source, Call { f_port: 2, payload: &payload, received_at: Timestamp::from_millis(1_785_000_000_000) })
}

#[track_caller]
fn check(source: &str, expected: &[(&str, Value)]) {
    let answer = run(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    let expected: Vec<_> = expected.iter().map(|(path, value)| ((*path).to_owned(), value.clone())).collect();
    assert_eq!(answer.values, expected, "{source}");
}

fn number(number: f64) -> Value {
    Value::Number(number)
}

#[test]
fn calls_the_function_that_there_is_as_network_servers_do() {
    let called = [("bytes", number(255.0)), ("port", number(2.0))];
    check("function decodeUplink(i) { return { data: { port: i.fPort, bytes: i.bytes[2] } } }", &called);
    check(
        "function Decode(fPort, bytes, variables) { return { port: fPort, bytes: bytes[2], ...variables } }",
        &called,
    );
    check("function Decoder(bytes, port) { return { port, bytes: bytes[2] } }", &called);
    check("var decodeUplink = ({fPort, bytes}) => ({ data: { port: fPort, bytes: bytes[2] } })", &called);
    check("const Decoder = (bytes, port) => ({ port, bytes: bytes[2] })", &called);
    let both = "function Decoder() { return { old: 1 } } function decodeUplink() { return { data: { new: 1 } } }";
    check(both, &[("new", number(1.0))]);
    check(
        "function Decoder(bytes) { sum = 0; for (i in bytes) sum += bytes[i]; return { sum } }",
        &[("sum", number(272.0))],
    );
    let time =
        "function decodeUplink(i) { return { data: { at: i.recvTime.getTime(), iso: i.recvTime.toISOString() } } }";
    check(time, &[("at", number(1_785_000_000_000.0)), ("iso", Value::text("2026-07-25T17:20:00.000Z"))]);
}

#[test]
fn answers_are_values_under_paths() {
    let source = "function Decoder() { return {
        n: -1.5, yes: true, no: false, text: '21.4', nothing: null, never: undefined, nan: NaN, far: 1/0, big: 12n,
        list: [1, [2, { a: 3 }]], inside: { 'a b': { c: 4 } }, call: () => 1, date: new Date(0), map: new Map([[1, 2]]),
    } }";
    check(
        source,
        &[
            ("big", number(12.0)),
            ("inside.a b.c", number(4.0)),
            ("list[0]", number(1.0)),
            ("list[1][0]", number(2.0)),
            ("list[1][1].a", number(3.0)),
            ("n", number(-1.5)),
            ("no", number(0.0)),
            ("text", Value::text("21.4")),
            ("yes", number(1.0)),
        ],
    );
}

#[test]
fn warnings_come_along_and_errors_refuse() {
    let answer = run("function decodeUplink() { return { data: {}, warnings: ['low battery', 7] } }").unwrap();
    assert_eq!(answer.warnings, ["low battery", "a value of type `int`"]);
    let refused = run("function decodeUplink() { return { data: { a: 1 }, errors: ['unknown port', 'too short'] } }");
    assert_eq!(refused, Err(Error::Refused("unknown port; too short".to_owned())));
}

#[test]
fn what_is_no_codec_is_refused() {
    assert_eq!(script::check("function decode() {}"), Err(Error::NoEntry));
    assert_eq!(script::check("var Decoder = 1"), Err(Error::NoEntry));
    assert_eq!(script::check("function Decoder() {}"), Ok(()));
    let long = format!("function Decoder() {{}} //{}", " ".repeat(256 * 1024));
    assert_eq!(script::check(&long), Err(Error::Long { have: long.len() }));
    for wrong in ["function Decoder( {", "import { x } from 'y'; function Decoder() {}", "export default 1"] {
        assert!(matches!(script::check(wrong), Err(Error::Threw(why)) if why.starts_with("SyntaxError")), "{wrong}");
    }
    for nothing in ["undefined", "null", "5", "'text'", "() => 1"] {
        let source = format!("function Decoder() {{ return {nothing} }}");
        assert_eq!(run(&source), Err(Error::Nothing), "{nothing}");
    }
    assert_eq!(run("async function decodeUplink() { return { data: { a: 1 } } }"), Err(Error::Nothing));
}

#[track_caller]
fn check_threw(source: &str, expected: &str) {
    match run(source) {
        Err(Error::Threw(why)) => assert!(why.starts_with(expected), "{source}: {why}"),
        other => panic!("{source}: {other:?}"),
    }
}

#[test]
fn a_program_that_throws_says_what() {
    check_threw("function Decoder() { throw new Error('no such port') }", "Error: no such port (at Decoder");
    check_threw("function Decoder() { throw 'no such port' }", "no such port");
    check_threw("function Decoder() { throw { a: 1 } }", "it threw a value of type `object`");
    check_threw("function Decoder(bytes) { return { a: bytes.nothing.length } }", "TypeError: ");
    check_threw("throw new Error('at once'); function Decoder() {}", "Error: at once");
    check_threw("function Decoder() { return { get a() { throw new Error('late') } } }", "Error: late");
}

#[track_caller]
fn check_refused(source: &str, expected: Error) {
    assert_eq!(run(source), Err(expected), "{source}");
}

#[test]
fn a_program_that_does_not_end_is_stopped() {
    for source in [
        "while (true); function Decoder() {}",
        "function Decoder() { while (true) {} }",
        "function Decoder() { for (;;) try { while (true); } catch (e) {} }",
        "function Decoder() { try { while (true); } finally { while (true); } }",
        "function Decoder() { return { get a() { while (true); } } }",
        "function Decoder() { return /(a+)+$/.test('a'.repeat(40) + 'b') }",
        "function Decoder() { return [].indexOf.call({ length: 2 ** 53 - 1 }, 1) }",
        "function Decoder() { return { a: +{ valueOf() { for (;;); } } } }",
        "function Decoder() { new Function('for (;;);')() }",
    ] {
        check_refused(source, Error::Deadline);
    }
}

#[test]
fn a_program_that_eats_memory_is_stopped() {
    for source in [
        "function Decoder() { const a = []; for (;;) a.push(new Array(1000).fill(1)) }",
        "function Decoder() { return { a: new Uint8Array(2 ** 30).length } }",
        "function Decoder() { return { a: new Array(2 ** 32 - 1).fill(0).length } }",
        "function Decoder() { const f = () => f(); f() }",
        "function Decoder() { return { a: JSON.parse('['.repeat(1e6)) } }",
    ] {
        check_refused(source, Error::Memory);
    }
    check_refused("function Decoder() { const a = {}; a.a = a; return a }", Error::Many);
    check_refused("function Decoder() { return { get a() { return this } } }", Error::Many);
    check_refused("function Decoder() { return new Array(2000).fill(1) }", Error::Many);
    check_refused("function Decoder() { return { a: 'x'.repeat(65537) } }", Error::Large);
}

#[test]
fn nothing_is_left_from_one_payload_to_the_next() {
    let source = "var calls = 0; function Decoder() { Math.mine = (Math.mine || 0) + 1; return { calls: ++calls, mine: Math.mine } }";
    for _ in 0..3 {
        check(source, &[("calls", number(1.0)), ("mine", number(1.0))]);
    }
}

#[test]
fn there_is_the_language_and_nothing_else() {
    let names = "['require', 'process', 'std', 'os', 'fetch', 'setTimeout', 'XMLHttpRequest', 'performance', 'Proxy']";
    let source = format!("function Decoder() {{ return {{ found: {names}.filter(n => n in globalThis).join() }} }}");
    check(&source, &[("found", Value::text(""))]);
    check("function Decoder() { console.log('mute'); return { a: 1 } }", &[("a", number(1.0))]);
    // The same payload means the same whenever it is decoded.
    let source =
        "function Decoder() { return { now: Date.now(), date: new Date().getTime(), old: new Date(5).getTime() } }";
    let now = number(1_785_000_000_000.0);
    check(source, &[("date", now.clone()), ("now", now), ("old", number(5.0))]);
}

fn codec(source: &str, table: &str) -> UserCodec {
    UserCodec {
        org: OrgId::from_raw(1),
        model: "Probe".to_owned(),
        version: CodecVersion(1),
        source: source.to_owned(),
        table: table.parse().expect("a table"),
        examples: CodecExamples::default(),
        changed_at: Timestamp::from_millis(0),
    }
}

#[test]
fn a_table_says_which_reading_a_value_is() {
    let source = "function Decoder() { return { t: '21.4', hPa: 1013.25, on: true, name: 'roof', fw: '1.10',
        gone: null, more: [7, 8] } }";
    let table = "t = 1/4097\nhPa = 1/4101 * 100\non = 2/4100\nname = 1/4098\nfw = 0/3502\ngone = 3/4097\nmore[1] = 4/4097\nnever = 5/4097";
    let call = Call { f_port: 2, payload: &[0], received_at: Timestamp::from_millis(0) };
    let outcome = script::decode(&codec(source, table), call).unwrap();
    let expected = [
        Reading::status(3502, Value::text("1.10")),
        Reading::new(1, 4101, 101_325.0),
        Reading::new(4, 4097, 8.0),
        Reading::new(2, 4100, 1.0),
        Reading::new(1, 4097, 21.4),
    ];
    assert_eq!(outcome.readings, expected);
    assert_eq!(outcome.unmapped, [("more[0]".to_owned(), number(7.0))]);
    assert_eq!(outcome.warnings, ["`name` is `roof`, which is no value of measurement 4098"]);
    let empty = Call { payload: &[], ..call };
    assert_eq!(script::decode(&codec(source, table), empty), Err(codec::Error::Empty));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a program is made of, and whatever it is given, it costs its own payload.
    #[test]
    fn no_program_is_too_strange(
        source in "(function Decoder\\(b\\) \\{ )?[ -~\\n]{0,60}\\}?",
        payload in prop::collection::vec(any::<u8>(), 0..256),
        f_port: u8,
    ) {
        let call = Call { f_port, payload: &payload, received_at: Timestamp::from_millis(0) };
        if let Ok(answer) = script::run(&source, call) {
            for (_, value) in answer.values {
                prop_assert!(value.as_number().is_none_or(f64::is_finite));
            }
        }
    }

    /// Numbers come through to the last bit, and what is none is left out.
    #[test]
    fn numbers_are_those_that_are_answered(bits: u64) {
        let value = f64::from_bits(bits);
        let source = "function Decoder(b) { return { v: new Float64Array(new Uint8Array(b).buffer)[0] } }";
        let call = Call { f_port: 1, payload: &value.to_le_bytes(), received_at: Timestamp::from_millis(0) };
        let answer = script::run(source, call).unwrap();
        let expected: Vec<_> =
            value.is_finite().then(|| ("v".to_owned(), Value::Number(value))).into_iter().collect();
        prop_assert_eq!(answer.values, expected);
    }
}

#[test]
fn nothing_in_the_corpus_breaks_the_engine() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/script");
    let mut answered = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let input = std::fs::read(entry.unwrap().path()).unwrap();
        let [f_port, low, high, rest @ ..] = input.as_slice() else { continue };
        let (source, payload) = rest.split_at(usize::from(u16::from_le_bytes([*low, *high])).min(rest.len()));
        let Ok(source) = std::str::from_utf8(source) else { continue };
        let call = Call { f_port: *f_port, payload, received_at: Timestamp::from_millis(0) };
        let Ok(answer) = script::run(source, call) else { continue };
        assert!(answer.values.iter().all(|(_, value)| value.as_number().is_none_or(f64::is_finite)));
        answered += 1;
    }
    assert!(answered >= 2, "only {answered} seeds are answered");
}
