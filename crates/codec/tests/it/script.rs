//! What users' programs may do, and what becomes of those that do something else.

use codec::script::{self, Answer, Call, Error};
use model::{Timestamp, Value};
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
        "function Decoder() { return [].includes.call({ length: 2 ** 53 - 1 }, 1) }",
        "function Decoder() { return [].forEach.call({ length: 2 ** 53 - 1 }, () => 1) }",
        "function Decoder() { return new Set([].values.call({ length: 2 ** 53 - 1 })) }",
        "function Decoder() { return [].reverse.call({ length: 2 ** 53 - 1 }) }",
        "function Decoder() { return [].copyWithin.call({ length: 2 ** 53 - 1 }, 1, 0) }",
        "function Decoder() { return [].unshift.call({ length: 2 ** 53 - 3 }, 1) }",
        "function Decoder() { return [].shift.call({ length: 2 ** 53 - 3 }) }",
        "function Decoder() { return [].splice.call({ length: 2 ** 53 - 3 }, 0, 1) }",
        "function Decoder() { return [].concat.call({ length: 2 ** 53 - 3, [Symbol.isConcatSpreadable]: true }) }",
        "function Decoder() { return [].flat.call({ length: 2 ** 53 - 3 }) }",
        "function Decoder() { return [].sort.call({ length: 2 ** 53 - 3 }) }",
        "function Decoder() { return [].join.call({ length: 2 ** 53 - 3 }, '') }",
        "function Decoder() { return [].fill.call({ length: 2 ** 53 - 3, set 0(v) {} }, 1) }",
        "function Decoder() { return [].lastIndexOf.call({ length: 2 ** 53 - 3 }, 1) }",
    ] {
        let began = std::time::Instant::now();
        let r = run(source);
        eprintln!("{:?} {source} {r:?}", began.elapsed());
    }
}
