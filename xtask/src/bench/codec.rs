//! How long a frame takes to decode: a row for each model and kind of frame, and for a codec in JavaScript.

use std::{collections::BTreeSet, fs, hint::black_box, path::Path, time::Instant};

use anyhow::{Context, anyhow, ensure};
use clap::Args;
use codec::{
    Codec,
    script::{self, Call},
};
use model::Timestamp;
use serde::Deserialize;

use super::report::{Samples, number};

#[derive(Args)]
pub(crate) struct Arguments {
    /// A short round, to see that it works
    #[arg(long)]
    quick: bool,
}

/// What is decoded, and how often in one round.
struct Case {
    name: String,
    payload_bytes: usize,
    count: u32,
    goal_us: f64,
    decode: Box<dyn Fn()>,
    ns: Samples,
}

/// A payload of the codecs' own fixtures.
#[derive(Deserialize)]
struct Fixture {
    f_port: u8,
    hex: String,
    error: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
}

/// The program of a thermometer, as its like is published.
const SCRIPT: &str = include_str!("lht65.js");
const SCRIPTS_PAYLOAD: &str = "CBF60B0D0376010ADD7FFF";

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let rounds = if arguments.quick { 3 } else { 25 };
    let mut cases = Vec::new();
    for codec in Codec::all() {
        cases.extend(built_in(codec)?);
    }
    cases.push(in_javascript()?);
    for _ in 0..rounds {
        // Each round has all of them, so that what else the machine does is nobody's alone.
        for case in &mut cases {
            let began = Instant::now();
            (0..case.count).for_each(|_| (case.decode)());
            case.ns.add(began.elapsed().as_nanos() as f64 / f64::from(case.count));
        }
    }
    println!(
        "{rounds} rounds of all in turn\n\n| frame | bytes | goal | least ns | median ns |\n|---|---|---|---|---|"
    );
    for Case { name, payload_bytes, goal_us, ns, .. } in &cases {
        let (least, median) = (number(ns.quantile(0.0)), number(ns.median()));
        println!("| {name} | {payload_bytes} | ≤ {goal_us} µs | {least} | {median} |");
    }
    let missed: Vec<_> = cases.iter().filter(|case| case.ns.median() > case.goal_us * 1e3).collect();
    println!("\n{} of {} within their goals", cases.len() - missed.len(), cases.len());
    missed.iter().for_each(|case| println!("not within its goal: {}", case.name));
    Ok(())
}

/// The shortest payload of each frame that a model's fixtures begin with.
fn built_in(codec: &'static Codec) -> anyhow::Result<Vec<Case>> {
    let model = codec.model();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/codec/fixtures");
    let path = path.join(model.to_lowercase()).with_extension("json");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let mut fixtures: Vec<Fixture> = serde_json::from_str(&text)?;
    fixtures.retain(|fixture| fixture.error.is_none() && fixture.warnings.is_empty());
    fixtures.sort_by_key(|fixture| fixture.hex.len());
    let (mut seen, mut cases) = (BTreeSet::new(), Vec::new());
    for fixture in fixtures {
        let payload = bytes(&fixture.hex)?;
        // What comes first is the kind of the frame, or a channel and then the kind of the record.
        let kind: Vec<u8> = payload.iter().take(if codec.f_ports().is_empty() { 2 } else { 1 }).copied().collect();
        let kind = kind.iter().fold(String::new(), |kind, byte| kind + &format!("{byte:02X}"));
        if !seen.insert(kind.clone()) {
            continue;
        }
        let (f_port, payload_bytes) = (fixture.f_port, payload.len());
        ensure!(codec.decode(f_port, &payload).is_ok(), "{model} {} cannot be decoded", fixture.hex);
        let decode = Box::new(move || drop(black_box(codec.decode(f_port, black_box(&payload)))));
        let name = format!("{model} {kind}…");
        cases.push(Case { name, payload_bytes, count: 2_000, goal_us: 1.0, decode, ns: Samples::default() });
    }
    Ok(cases)
}

fn in_javascript() -> anyhow::Result<Case> {
    let payload = bytes(SCRIPTS_PAYLOAD)?;
    let run = |payload: &[u8]| {
        script::run(SCRIPT, Call { f_port: 2, payload, received_at: Timestamp::from_millis(1_785_000_000_000) })
    };
    ensure!(run(&payload)?.values.len() == 4, "the program answers something else");
    Ok(Case {
        name: "JavaScript, an engine for each payload".to_owned(),
        payload_bytes: payload.len(),
        count: 20,
        goal_us: 2_000.0,
        decode: Box::new(move || drop(black_box(run(black_box(&payload))))),
        ns: Samples::default(),
    })
}

fn bytes(hex: &str) -> anyhow::Result<Vec<u8>> {
    let digits: Option<Vec<u32>> = hex.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16)).collect();
    let digits = digits.ok_or_else(|| anyhow!("`{hex}` is no hex"))?;
    Ok(digits.chunks_exact(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect())
}
