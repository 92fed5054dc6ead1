//! Codecs that the organization wrote itself.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};

use crate::{
    PortalState, TriedCodec,
    actor::Actor,
    deeds::{
        self,
        codecs::{self, Draft},
    },
    fault::Fault,
    fields::Fields,
    guard::see,
    html::{frame, parts},
    view::View,
};

const SKETCH: &str = "function decodeUplink(input) {
  const b = input.bytes;
  return { data: { temperature: ((b[0] << 24 >> 16) | b[1]) / 100 } };
}";

/// What stands in the form.
#[derive(Default)]
struct Written {
    model: String,
    source: String,
    table: String,
    examples: String,
    f_port: String,
    hex: String,
}

impl Written {
    fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.get(name).to_owned();
        Self {
            model: text("model"),
            source: text("source"),
            table: text("table"),
            examples: text("examples"),
            f_port: text("f_port"),
            hex: text("hex"),
        }
    }

    fn draft(&self) -> Draft<'_> {
        Draft { model: &self.model, source: &self.source, table: &self.table, examples: &self.examples }
    }
}

/// What became of a try.
type Tried = Option<Result<TriedCodec, Fault>>;

/// `GET /codecs`
pub(crate) async fn list(State(portal): State<PortalState>, actor: Actor, view: View) -> Result<Markup, Fault> {
    let t = view.t;
    let codecs = codecs::list(&portal, &actor).await?;
    let written = Written { source: SKETCH.to_owned(), ..Written::default() };
    let content = html! {
        (parts::head(t.nav_codecs, t.codecs_help, parts::nothing()))
        @if !codecs.is_empty() {
            section.card { div.scroll { table.cards {
                thead { tr {
                    th scope="col" { (t.model) } th.num scope="col" { (t.codec_version) } th scope="col" { (t.codec_changed) } th {}
                } }
                tbody { @for codec in &codecs { tr {
                    th scope="row" { a href=(address(&codec.model)) { (codec.model) } }
                    td.num data-label=(t.codec_version) { (codec.version.0) }
                    td data-label=(t.codec_changed) { (view.time(codec.changed_at)) }
                    td { form method="post" action=(format!("{}/remove", address(&codec.model))) data-confirm=(t.codec_remove_confirm) {
                        button.small.danger { (t.delete) }
                    } }
                } } }
            } } }
        }
        h2 { (t.new_codec) }
        (editor(&view, None, &written, None, &None))
    };
    Ok(frame::page(&view, t.nav_codecs, content))
}

/// `POST /codecs`
pub(crate) async fn create(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    fields: Fields,
) -> Result<Response, Fault> {
    let written = Written::of(&fields);
    if fields.get("do") == "try" {
        let tried = attempt(&portal, &actor, &written).await;
        return Ok(draw(&view, None, &written, None, &Some(tried)).into_response());
    }
    match codecs::create(&portal, &actor, written.draft()).await {
        Ok(_) => Ok(see("/codecs?done=saved")),
        Err(fault @ (Fault::Invalid(_) | Fault::Conflict(_) | Fault::Wrong(_))) => {
            Ok((fault.status(), draw(&view, None, &written, Some(&fault), &None)).into_response())
        }
        Err(fault) => Err(fault),
    }
}

/// `GET /codecs/{model}`
pub(crate) async fn show(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    Path(model): Path<String>,
) -> Result<Markup, Fault> {
    let codec = codecs::find(&portal, &actor, &model).await?;
    let written = Written {
        model: codec.model.clone(),
        source: codec.source.clone(),
        table: codec.table.to_string(),
        examples: codec.examples.to_string(),
        ..Written::default()
    };
    Ok(draw(&view, Some(&codec.model), &written, None, &None))
}

/// `POST /codecs/{model}`
pub(crate) async fn save(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    Path(model): Path<String>,
    fields: Fields,
) -> Result<Response, Fault> {
    let model = codecs::find(&portal, &actor, &model).await?.model.clone();
    let written = Written { model: model.clone(), ..Written::of(&fields) };
    if fields.get("do") == "try" {
        let tried = attempt(&portal, &actor, &written).await;
        return Ok(draw(&view, Some(&model), &written, None, &Some(tried)).into_response());
    }
    match codecs::change(&portal, &actor, &model, written.draft()).await {
        Ok(_) => Ok(see("/codecs?done=saved")),
        Err(fault @ (Fault::Invalid(_) | Fault::Wrong(_))) => {
            Ok((fault.status(), draw(&view, Some(&model), &written, Some(&fault), &None)).into_response())
        }
        Err(fault) => Err(fault),
    }
}

/// `POST /codecs/{model}/remove`
pub(crate) async fn remove(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(model): Path<String>,
) -> Result<Response, Fault> {
    codecs::remove(&portal, &actor, &model).await?;
    Ok(see("/codecs?done=removed"))
}

async fn attempt(portal: &PortalState, actor: &Actor, written: &Written) -> Result<TriedCodec, Fault> {
    let f_port = deeds::parse(&written.f_port, |texts| texts.fault_f_port)?;
    let payload = codecs::bytes(&written.hex)?;
    codecs::attempt(portal, actor, Draft { examples: "", ..written.draft() }, f_port, payload).await
}

fn draw(view: &View, model: Option<&str>, written: &Written, fault: Option<&Fault>, tried: &Tried) -> Markup {
    let title = model.unwrap_or(view.t.new_codec);
    let content = html! {
        (parts::head(title, view.t.codecs_help, parts::nothing()))
        (editor(view, model, written, fault, tried))
    };
    frame::page(view, title, content)
}

fn editor(view: &View, model: Option<&str>, written: &Written, fault: Option<&Fault>, tried: &Tried) -> Markup {
    let t = view.t;
    html! {
        form.card.form method="post" action=(model.map_or_else(|| "/codecs".to_owned(), address)) {
            (parts::wrong(view, fault))
            @if model.is_none() {
                div.row {
                    label for="model" { (t.model) }
                    input #model name="model" required maxlength="64" placeholder="LHT65" value=(written.model);
                    p.help { (t.codec_model_help) }
                }
            }
            div.row {
                label for="source" { (t.codec_source) }
                textarea.mono #source name="source" rows="16" spellcheck="false" required { "\n" (written.source) }
                p.help { (t.codec_source_help) }
            }
            div.row {
                label for="table" { (t.codec_table) }
                textarea.mono #table name="table" rows="6" spellcheck="false" placeholder="temperature = 1/4097" { "\n" (written.table) }
                p.help { (t.codec_table_help) }
            }
            div.row {
                label for="examples" { (t.codec_examples) }
                textarea.mono #examples name="examples" rows="4" spellcheck="false" placeholder="2 0866 -> 1/4097=21.5" { "\n" (written.examples) }
                p.help { (t.codec_examples_help) }
            }
            div.actions { button.primary name="do" value="save" { (t.save) } a.button.quiet href="/codecs" { (t.cancel) } }
            fieldset {
                legend { (t.codec_try) }
                div.pair {
                    div.row { label for="f_port" { (t.codec_port) } input #f_port name="f_port" inputmode="numeric" value=(if written.f_port.is_empty() { "2" } else { &written.f_port }); }
                    div.row { label for="hex" { (t.codec_payload) } input.mono #hex name="hex" placeholder="0866" value=(written.hex); }
                }
                div.actions { button name="do" value="try" { (t.codec_try) } }
                @if let Some(tried) = tried { (outcome(view, tried)) }
            }
        }
    }
}

fn outcome(view: &View, tried: &Result<TriedCodec, Fault>) -> Markup {
    let t = view.t;
    let TriedCodec { readings, unmapped, warnings } = match tried {
        Ok(tried) => tried,
        Err(fault) => return parts::wrong(view, Some(fault)),
    };
    html! {
        @if readings.is_empty() && unmapped.is_empty() { p.notice.warn { (t.codec_no_values) } }
        div.scroll { table.cards { tbody {
            @for reading in readings {
                tr {
                    th scope="row" { (reading.series.channel) "/" (reading.series.measurement) }
                    td.num { (reading.value) }
                }
            }
        } } }
        @if !unmapped.is_empty() {
            p { (t.codec_unmapped) }
            pre tabindex="0" { @for (path, value) in unmapped { (path) " = " (value) "\n" } }
        }
        @for warning in warnings { p.notice.warn { (warning) } }
    }
}

fn address(model: &str) -> String {
    let path: String = form_urlencoded::byte_serialize(model.as_bytes()).collect();
    format!("/codecs/{}", path.replace('+', "%20"))
}
