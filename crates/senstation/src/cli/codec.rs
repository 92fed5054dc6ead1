use clap::Subcommand;
use model::{Reading, Value};
use serde_json::json;

use super::{Session, arguments, wrong_usage};
use crate::output::table;

/// Payloads and readings, without a station
#[derive(Debug, Subcommand)]
pub(super) enum Codec {
    /// Decode a payload as the pipeline would
    #[command(after_help = "\
Example:
  senstation codec decode --model S2101 --f-port 2 --hex 010110985300000102 10A87A0000AF51")]
    Decode {
        /// The product model that sent it
        #[arg(long, value_parser = arguments::model)]
        model: &'static codec::Codec,
        /// The LoRaWAN port it came on; the model's usual one if left out
        #[arg(long)]
        f_port: Option<u8>,
        /// Its bytes as hex digits; blanks do not matter
        #[arg(long, num_args = 1..)]
        hex: Vec<String>,
    },
    /// Decode the stored frames of a device again, with the present codec and channel map
    #[command(after_help = "\
Examples:
  senstation codec replay --device 2CF7F12004100005 --dry-run
  senstation codec replay --device 2CF7F12004100005 --from 2026-07-01 --to 2026-08-01

A dry run prints what would change, reading by reading. Nothing is overwritten: what was served before is to be had by
`senstation export --as-of POSITION`, with the position that the replay prints.")]
    Replay(super::replay::Replay),
    /// Keep a codec of your own, in JavaScript, for devices of a model that is not built in
    #[command(after_help = super::user_codec::ADD_EXAMPLE)]
    Add(super::user_codec::Add),
    /// List the codecs of your own
    #[command(after_help = "Example:\n  senstation codec list")]
    List(super::user_codec::List),
    /// Print a codec of your own: its program, table and examples
    #[command(after_help = "Example:\n  senstation codec show --model LHT65 --json")]
    Show(super::user_codec::Show),
    /// Remove a codec of your own; what its devices send from then on is kept undecoded
    #[command(after_help = "Example:\n  senstation codec remove --model LHT65")]
    Remove(super::user_codec::Show),
    /// Give a payload to a codec of your own, kept or still in files, and show what it makes of it
    #[command(after_help = super::user_codec::TRY_EXAMPLE)]
    Try(super::user_codec::Try),
    /// List the built-in models that can be decoded
    #[command(after_help = "Example:\n  senstation codec models")]
    Models,
}

impl Codec {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::Decode { model, f_port, hex } => decode(session, model, f_port, &hex.concat()),
            Self::Replay(replay) => replay.run(session),
            Self::Add(add) => add.run(session),
            Self::List(list) => list.run(session),
            Self::Show(show) => show.run(session),
            Self::Remove(remove) => remove.run_removal(session),
            Self::Try(attempt) => attempt.run(session),
            Self::Models => {
                let all = codec::Codec::all();
                let ports = |codec: &codec::Codec| codec.f_ports().iter().map(u8::to_string).collect::<Vec<_>>();
                let rows: Vec<_> =
                    all.iter().map(|codec| [codec.model().to_owned(), ports(codec).join(", ")]).collect();
                let shown = all.iter().map(|codec| json!({ "model": codec.model(), "f_ports": codec.f_ports() }));
                session.output.show(&shown.collect(), table(["model", "f_ports"], &rows))
            }
        }
    }
}

fn decode(session: &Session, codec: &codec::Codec, f_port: Option<u8>, hex: &str) -> anyhow::Result<()> {
    let payload = bytes(hex).unwrap_or_else(|trouble| wrong_usage(trouble));
    let f_port = f_port.or(codec.f_ports().first().copied()).unwrap_or_default();
    let decoded = codec.decode(f_port, &payload)?;
    let warnings: Vec<String> = decoded.warnings.iter().map(ToString::to_string).collect();
    let events: Vec<String> = decoded.events.iter().map(ToString::to_string).collect();
    let rows = decoded.rows.iter().map(|row| {
        let readings: Vec<_> = row.readings.iter().map(reading).collect();
        json!({ "measured_at": row.measured_at.map(|at| at.to_string()), "readings": readings })
    });
    let shown = json!({
        "model": codec.model(),
        "rows": rows.collect::<Vec<_>>(),
        "events": events,
        "warnings": warnings,
    });
    let cells: Vec<_> = decoded
        .rows
        .iter()
        .flat_map(|row| row.readings.iter().map(|reading| (row.measured_at, reading)))
        .map(|(at, reading)| {
            let (name, unit) = name(reading);
            let measured_at = at.map_or_else(|| "on receipt".to_owned(), |at| at.to_string());
            let series = reading.series;
            let value = format!("{} {unit}", reading.value);
            [measured_at, series.channel.to_string(), series.measurement.to_string(), name.to_owned(), value]
        })
        .collect();
    let mut text = table(["measured_at", "channel", "measurement", "name", "value"], &cells);
    let remarks = events.iter().map(|event| ("event", event)).chain(warnings.iter().map(|text| ("warning", text)));
    for (kind, remark) in remarks {
        text += &format!("\n{kind}: {remark}");
    }
    session.output.show(&shown, text)
}

pub(super) fn reading(reading: &Reading) -> serde_json::Value {
    let (name, unit) = name(reading);
    let value = match &reading.value {
        Value::Number(number) => json!(number),
        Value::Text(text) => json!(text),
        Value::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
    };
    json!({
        "channel": reading.series.channel.0,
        "measurement_id": reading.series.measurement.to_string(),
        "name": name,
        "value": value,
        "unit": unit,
    })
}

pub(super) fn name(reading: &Reading) -> (&'static str, &'static str) {
    let id = reading.series.measurement;
    let measurement = model::measurement(id).map(|known| (known.name, known.unit));
    measurement.or_else(|| model::status(id).map(|known| (known.name, known.unit))).unwrap_or_default()
}

pub(super) fn bytes(hex: &str) -> Result<Vec<u8>, &'static str> {
    let digits: Vec<char> = hex.chars().filter(|c| !c.is_whitespace()).collect();
    if !digits.len().is_multiple_of(2) {
        return Err("`--hex` has an odd number of digits");
    }
    let byte = |pair: &[char]| Some((pair[0].to_digit(16)? * 16 + pair[1].to_digit(16)?) as u8);
    digits.chunks(2).map(byte).collect::<Option<_>>().ok_or("`--hex` has something else than hex digits")
}
