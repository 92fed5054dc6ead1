//! Codecs that an organization wrote itself.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use codec::script::Outcome;
use model::{CodecExamples, CodecTable, CodecVersion, Frame, OrgId, UserCodec};
use serde_json::{Value, json};

use super::{Session, arguments, block_on, codec as payloads, find_org, wrong_usage};
use crate::{clock, output::table, station};

pub(super) const ADD_EXAMPLE: &str = "\
Example:
  senstation codec add --model LHT65 --source lht65.js --table lht65.table --examples lht65.examples

The program defines `decodeUplink({bytes, fPort, …})`, `Decode(fPort, bytes)` or `Decoder(bytes, port)`, as network
servers know them. The table has a line `path = channel/measurement` for each value, `BatV = 1/4161 * 1000` if it is
to be multiplied; the examples have a line `port hex -> channel/measurement=value, …` each, and all of them have to
fit. Adding a codec of the same model changes it; what was decoded before follows by `senstation codec replay`.";

pub(super) const TRY_EXAMPLE: &str = "\
Examples:
  senstation codec try --model LHT65 --f-port 2 --hex CBF60B0D037601 0ADD7FFF
  senstation codec try --source lht65.js --table lht65.table --f-port 2 --hex CBF60B0D0376010ADD7FFF";

#[derive(Debug, Args)]
pub(super) struct Add {
    /// Whose codec; may be left out while there is only one organization
    #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
    org: Option<OrgId>,
    /// The model of the devices that it decodes; none that is built in
    #[arg(long, value_parser = arguments::name_required)]
    model: String,
    /// The file of its program, in JavaScript
    #[arg(long, value_name = "FILE")]
    source: PathBuf,
    /// The file that says which measurement each path of its answer is
    #[arg(long, value_name = "FILE")]
    table: PathBuf,
    /// The file of its examples
    #[arg(long, value_name = "FILE")]
    examples: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Whose codecs; may be left out while there is only one organization
    #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
    org: Option<OrgId>,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Whose codec; may be left out while there is only one organization
    #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
    org: Option<OrgId>,
    /// Its model
    #[arg(long)]
    model: String,
}

#[derive(Debug, Args)]
pub(super) struct Try {
    /// Whose codec; may be left out while there is only one organization
    #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
    org: Option<OrgId>,
    /// The model of a codec that is kept
    #[arg(long, required_unless_present = "source", conflicts_with_all = ["source", "table"])]
    model: Option<String>,
    /// The file of a program
    #[arg(long, value_name = "FILE")]
    source: Option<PathBuf>,
    /// The file of its table
    #[arg(long, value_name = "FILE", requires = "source")]
    table: Option<PathBuf>,
    /// The LoRaWAN port the payload comes on
    #[arg(long, default_value_t = 1)]
    f_port: u8,
    /// Its bytes as hex digits; blanks do not matter
    #[arg(long, num_args = 1.., required = true)]
    hex: Vec<String>,
}

impl Add {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        let (source, table, examples) = (read(&self.source)?, read(&self.table)?, read(&self.examples)?);
        let table = table.parse().with_context(|| self.table.display().to_string())?;
        let examples: CodecExamples = examples.parse().with_context(|| self.examples.display().to_string())?;
        session.with_registry(async |registry| {
            let org = find_org(&*registry, self.org).await?.id;
            let version = CodecVersion::default();
            let (model, changed_at) = (self.model.trim().to_owned(), clock::now());
            let codec = UserCodec { org, model, version, source, table, examples, changed_at };
            station::scripts().check(&codec).await.map_err(anyhow::Error::msg)?;
            let model = codec.model.clone();
            let count = codec.examples.as_slice().len();
            let CodecVersion(version) = registry.set_user_codec(codec).await?;
            let shown = json!({ "model": model, "version": version, "org_id": org.to_string() });
            session.output.show(&shown, format!("keeps codec `{model}`, version {version}; all {count} examples fit"))
        })
    }
}

impl List {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        session.with_registry(async |registry| {
            let org = find_org(&*registry, self.org).await?.id;
            let codecs = registry.list_user_codecs(org).await?;
            let rows: Vec<_> = codecs
                .iter()
                .map(|codec| {
                    let (version, paths) = (codec.version.0.to_string(), codec.table.iter().count().to_string());
                    let examples = codec.examples.as_slice().len().to_string();
                    [codec.model.clone(), version, paths, examples, codec.changed_at.to_string()]
                })
                .collect();
            let shown = codecs.iter().map(|codec| {
                json!({ "model": codec.model, "version": codec.version.0, "changed_at": codec.changed_at.to_string() })
            });
            let headings = ["model", "version", "paths", "examples", "changed_at"];
            session.output.show(&Value::Array(shown.collect()), table(headings, &rows))
        })
    }
}

impl Show {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        session.with_registry(async |registry| {
            let org = find_org(&*registry, self.org).await?.id;
            let codec = registry.find_user_codec(org, &self.model).await?;
            let codec = codec.with_context(|| format!("the organization has no codec `{}`", self.model))?;
            let (fields, examples) = (codec.table.to_string(), codec.examples.to_string());
            let shown = json!({
                "model": codec.model,
                "version": codec.version.0,
                "changed_at": codec.changed_at.to_string(),
                "source": codec.source,
                "table": fields,
                "examples": examples,
            });
            let text = format!("{}\n\n# table\n{fields}\n# examples\n{examples}", codec.source.trim_end());
            session.output.show(&shown, text.trim_end().to_owned())
        })
    }

    pub(super) fn run_removal(self, session: &Session) -> anyhow::Result<()> {
        session.with_registry(async |registry| {
            let org = find_org(&*registry, self.org).await?.id;
            registry.remove_user_codec(org, &self.model).await.with_context(|| format!("`{}`", self.model))?;
            let shown = json!({ "model": self.model, "removed": true });
            session.output.show(&shown, format!("removed codec `{}`", self.model))
        })
    }
}

impl Try {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        let payload = payloads::bytes(&self.hex.concat()).unwrap_or_else(|trouble| wrong_usage(trouble));
        let codec = match (self.model, self.source) {
            (Some(model), _) => session.with_registry(async |registry| {
                let org = find_org(&*registry, self.org).await?.id;
                let codec = registry.find_user_codec(org, &model).await?;
                Ok((*codec.with_context(|| format!("the organization has no codec `{model}`"))?).clone())
            })?,
            (None, Some(source)) => UserCodec {
                org: OrgId::from_raw(0),
                model: String::new(),
                version: CodecVersion::default(),
                source: read(&source)?,
                table: match &self.table {
                    Some(path) => read(path)?.parse().with_context(|| path.display().to_string())?,
                    None => CodecTable::default(),
                },
                examples: CodecExamples::default(),
                changed_at: clock::now(),
            },
            (None, None) => bail!("name a codec with `--model`, or a program with `--source`"),
        };
        let frame = Frame { f_port: self.f_port, payload: payload.into(), ..Frame::default() };
        let outcome = block_on(async { Ok(station::scripts().decode(&codec, &frame, clock::now()).await?) })?;
        session.output.show(&json(&outcome), text(&outcome))
    }
}

fn json(outcome: &Outcome) -> Value {
    let unmapped = outcome.unmapped.iter().map(|(path, value)| {
        let value = value.as_number().map_or_else(|| json!(value.to_string()), |number| json!(number));
        json!({ "path": path, "value": value })
    });
    json!({
        "readings": outcome.readings.iter().map(payloads::reading).collect::<Vec<_>>(),
        "unmapped": unmapped.collect::<Vec<_>>(),
        "warnings": outcome.warnings,
    })
}

fn text(outcome: &Outcome) -> String {
    let rows: Vec<_> = outcome
        .readings
        .iter()
        .map(|reading| {
            let (name, unit) = payloads::name(reading);
            let series = reading.series;
            let value = format!("{} {unit}", reading.value);
            [series.channel.to_string(), series.measurement.to_string(), name.to_owned(), value]
        })
        .collect();
    let mut text = table(["channel", "measurement", "name", "value"], &rows);
    for (path, value) in &outcome.unmapped {
        text += &format!("\nnot in the table: {path} = {value}");
    }
    for warning in &outcome.warnings {
        text += &format!("\nwarning: {warning}");
    }
    text
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
}
