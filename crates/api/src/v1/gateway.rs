use axum::extract::State;
use model::{Antenna, DeviceKind::Gateway};
use serde::Serialize;
use store::DeviceChange;

use super::{
    Watch,
    edit::{self, get_device, read_change},
    shape::{DeviceShape, flag},
};
use crate::{
    ApiState,
    auth::{Caller, Editor},
    binding::place,
    envelope::Answer,
    error::Refusal,
    groups::group_name_of,
    parameters::{Parameters, PathEui},
};

#[derive(Debug, Serialize)]
struct Detail {
    #[serde(flatten)]
    device: DeviceShape,
    group_name: String,
    access_read: &'static str,
    access_write: &'static str,
}

/// The gateway in the path, and what the caller's key may do to it.
pub(crate) async fn get(
    State(api): State<ApiState>,
    watch: Watch,
    caller: Caller,
    PathEui(eui): PathEui,
) -> Result<Answer, Refusal> {
    let gateway = get_device(&caller, eui, Gateway).await?;
    let (device, _) = DeviceShape::get(&api, &caller, &gateway).await?;
    let detail = Detail {
        device,
        group_name: group_name_of(&caller, &gateway).await?,
        access_read: flag(true),
        access_write: flag(caller.may_write()),
    };
    Ok(watch.stop(Answer::of(&detail)?))
}

/// Changes what the call names: `dev_name`, `group_unique_name`, `description`, `dev_country`,
/// `position` with `lon`, `lat` and `alt`, `antenna_placement`.
pub(crate) async fn change(
    watch: Watch,
    editor: Editor,
    PathEui(eui): PathEui,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let gateway = get_device(&editor, eui, Gateway).await?;
    let change = DeviceChange {
        country: country(&parameters)?,
        place: place(&parameters, ["position[lat]", "lat"], ["position[lon]", "lon"])?,
        altitude_m: altitude_m(&parameters)?,
        antenna: antenna(&parameters)?,
        ..read_change(&editor, &parameters).await?
    };
    edit::change(&editor, &gateway, change, &parameters).await?;
    Ok(watch.stop(Answer::empty_text()))
}

/// Unbinds the gateway.
pub(crate) async fn remove(watch: Watch, editor: Editor, PathEui(eui): PathEui) -> Result<Answer, Refusal> {
    edit::remove(&editor, &*get_device(&editor, eui, Gateway).await?).await?;
    Ok(watch.stop(Answer::empty_text()))
}

fn country(parameters: &Parameters) -> Result<Option<String>, Refusal> {
    match parameters.find_filled("dev_country").map(str::to_ascii_uppercase) {
        Some(country) if country.len() != 3 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) => {
            Err(Refusal::Parameters("`dev_country` is to be three letters of ISO 3166-1, such as `DEU`".into()))
        }
        country => Ok(country),
    }
}

fn altitude_m(parameters: &Parameters) -> Result<Option<f64>, Refusal> {
    /// No place on earth is higher or deeper.
    const METRES_MAX: f64 = 12_000.0;
    match parameters.number("position[alt]")?.or(parameters.number("alt")?) {
        Some(metres) if metres.abs() > METRES_MAX => {
            Err(Refusal::Parameters(format!("`alt` is to be within {METRES_MAX} metres").into()))
        }
        metres => Ok(metres),
    }
}

fn antenna(parameters: &Parameters) -> Result<Option<Antenna>, Refusal> {
    let advice = |_| Refusal::Parameters("`antenna_placement` is `indoor` or `outdoor`".into());
    parameters.find_filled("antenna_placement").map(str::parse).transpose().map_err(advice)
}
