use model::GeoPoint;
use store::{Binding, Error, Kind};
use subtle::ConstantTimeEq;

use crate::{auth::Steward, envelope::Answer, error::Refusal, parameters::Parameters};

/// Most characters of a device's name.
const NAME_CHARS_MAX: usize = 128;

/// Binds the device of the label `eui` that `code` proves to be in the caller's hands, under
/// `device_name`, in `group_uuid`, at `longitude` and `latitude`.
///
/// The devices to be had are those that the organization had before and unbound.
pub(crate) async fn bind_device(steward: Steward, parameters: Parameters) -> Result<Answer, Refusal> {
    let eui = parameters.eui("eui")?;
    let code = parameters.find_filled("code").ok_or_else(|| Refusal::missing("code"))?;
    let name = parameters.find_filled("device_name");
    if name.is_some_and(|name| name.chars().count() > NAME_CHARS_MAX || name.contains(char::is_control)) {
        let advice = format!("`device_name` is to be at most {NAME_CHARS_MAX} characters on one line");
        return Err(Refusal::Parameters(advice.into()));
    }
    let place = place(&parameters)?;
    let group = match parameters.find("group_uuid") {
        Some(uuid) => Some(steward.find_group(uuid).await?.id()),
        None => None,
    };
    if steward.has_device(eui).await? {
        return Err(Refusal::BoundDevice(eui));
    }
    let known = steward.find_unbound_device(eui).await?;
    let mut binding = known.filter(|known| proves(code, known)).ok_or(Refusal::WrongCode(eui))?;
    binding.name = name.map_or(binding.name, str::to_owned);
    binding.group = group.unwrap_or(binding.group);
    binding.place = place.or(binding.place);
    match steward.bind_device(binding).await {
        Ok(_) => Ok(Answer::nothing()),
        Err(Error::Conflict(Kind::Device)) => Err(Refusal::BoundDevice(eui)),
        Err(error) => Err(error.into()),
    }
}

/// Whether a code is that of a device; a device without one cannot be proven.
fn proves(code: &str, device: &Binding) -> bool {
    !device.code.is_empty()
        && bool::from(code.to_ascii_uppercase().as_bytes().ct_eq(device.code.to_ascii_uppercase().as_bytes()))
}

fn place(parameters: &Parameters) -> Result<Option<GeoPoint>, Refusal> {
    let degrees = |name, max: f64| match parameters.number(name)? {
        Some(degrees) if degrees.abs() > max => {
            Err(Refusal::Parameters(format!("`{name}` is to be within {max} degrees").into()))
        }
        degrees => Ok(degrees),
    };
    match (degrees("latitude", 90.0)?, degrees("longitude", 180.0)?) {
        (Some(latitude), Some(longitude)) => Ok(Some(GeoPoint { latitude, longitude })),
        (None, None) => Ok(None),
        _ => Err(Refusal::Parameters("give `latitude` and `longitude` together".into())),
    }
}
