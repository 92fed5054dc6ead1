//! Which model devices are that a source names.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use store::ModelRule;

use crate::{
    PortalState,
    actor::Actor,
    deeds::{codecs, sources},
    fault::Fault,
    fields::Fields,
    guard::see,
    html::{frame, parts},
    view::View,
};

/// `GET /sources/{id}/rules`
pub(crate) async fn show(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    Path(id): Path<String>,
) -> Result<Markup, Fault> {
    let rules = sources::rules(&portal, &actor, sources::id(&id)?).await?;
    let models = codecs::models(&portal, &actor).await?;
    let lines: Vec<String> = rules.iter().map(|ModelRule { hint, model }| format!("{hint} = {model}")).collect();
    Ok(draw(&models, &view, &id, &lines.join("\n"), None))
}

/// `POST /sources/{id}/rules`
pub(crate) async fn save(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Fault> {
    let text = fields.get("rules");
    let source = sources::id(&id)?;
    let set = match read(text) {
        Ok(rules) => sources::set_rules(&portal, &actor, source, rules).await,
        Err(fault) => Err(fault),
    };
    match set {
        Ok(()) => Ok(see("/sources?done=saved")),
        Err(fault @ Fault::Invalid(_)) => {
            // What is not the organization's has no form either.
            sources::rules(&portal, &actor, source).await?;
            let models = codecs::models(&portal, &actor).await?;
            Ok((fault.status(), draw(&models, &view, &id, text, Some(&fault))).into_response())
        }
        Err(fault) => Err(fault),
    }
}

/// A rule a line.
fn read(text: &str) -> Result<Vec<ModelRule>, Fault> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let rules = lines.map(|line| {
        let (hint, model) = line.rsplit_once('=').ok_or(Fault::Invalid(|texts| texts.fault_rules))?;
        Ok(ModelRule { hint: hint.trim().to_owned(), model: model.trim().to_owned() })
    });
    rules.collect()
}

fn draw(models: &[String], view: &View, id: &str, text: &str, fault: Option<&Fault>) -> Markup {
    let t = view.t;
    let content = html! {
        (parts::head(t.model_rules, t.model_rules_help, parts::nothing()))
        form.card.form method="post" action=(format!("/sources/{id}/rules")) {
            (parts::wrong(view, fault))
            div.row {
                label for="rules" { (t.model_rules) }
                textarea.mono #rules name="rules" rows="8" placeholder="Soil probes = S2104" { (text) }
                p.help { (models.join(", ")) }
            }
            div.actions { button.primary { (t.save) } a.button.quiet href="/sources" { (t.cancel) } }
        }
    };
    frame::page(view, t.model_rules, content)
}
