use model::{DeviceEui, DeviceKind, GeoPoint, OrgId};
use store::{Binding, Error, Kind};
use subtle::ConstantTimeEq;

use crate::{auth::Steward, error::Refusal, parameters::Parameters};

/// Binds the device of the label `eui` that `code` proves to be in the caller's hands, under
/// `device_name`, in `group_uuid`, at `longitude` and `latitude`; the API of 2019 calls these three
/// `group_unique_name`, `lon` and `lat`.
pub(crate) async fn bind(steward: &Steward, parameters: &Parameters) -> Result<(), Refusal> {
    let (eui, code) = label(parameters)?;
    let name = parameters.device_name("device_name")?;
    let place = place(parameters, ["latitude", "lat"], ["longitude", "lon"])?;
    let group = match parameters.find("group_uuid").or(parameters.find("group_unique_name")) {
        Some(uuid) => Some(steward.find_group(uuid).await?.id()),
        None => None,
    };
    if steward.has_device(eui).await? {
        return Err(Refusal::BoundDevice(eui));
    }
    let mut binding = find_provable(steward, eui, code).await?.ok_or(Refusal::WrongCode(eui))?;
    binding.name = name.map_or(binding.name, str::to_owned);
    binding.group = group.unwrap_or(binding.group);
    binding.place = place.or(binding.place);
    match steward.bind_device(binding).await {
        Ok(_) => Ok(()),
        Err(Error::Conflict(Kind::Device)) => Err(Refusal::BoundDevice(eui)),
        Err(error) => Err(error.into()),
    }
}

/// The EUI and the code that a call copied from a label.
pub(crate) fn label(parameters: &Parameters) -> Result<(DeviceEui, &str), Refusal> {
    let eui = parameters.eui("eui")?;
    Ok((eui, parameters.find_filled("code").ok_or_else(|| Refusal::missing("code"))?))
}

/// What the device of a label would be bound with, if it is to be had and the code is its own.
pub(crate) async fn find_provable(steward: &Steward, eui: DeviceEui, code: &str) -> Result<Option<Binding>, Refusal> {
    let before = steward.find_unbound_device(eui).await?;
    if before.as_ref().is_some_and(|before| !before.code.is_empty()) {
        return Ok(before.filter(|before| proves(code, before)));
    }
    // No code is known. That a source of the organization brings what it sends proves as much, and then says its
    // model as a rule.
    let heard = steward.find_heard_device(eui).await?.filter(|heard| !heard.model.is_empty());
    Ok(heard.map(|heard| match before {
        Some(before) => Binding { code: code.to_owned(), ..before },
        None => Binding {
            // Replaced by the caller's when it is bound.
            org: OrgId::from_raw(0),
            eui,
            kind: DeviceKind::Node,
            model: heard.model,
            name: heard.name,
            group: None,
            place: None,
            frequency: String::new(),
            code: code.to_owned(),
            bound_at: steward.now(),
        },
    }))
}

/// Whether a code is that of a device, which has one.
fn proves(code: &str, device: &Binding) -> bool {
    bool::from(code.to_ascii_uppercase().as_bytes().ct_eq(device.code.to_ascii_uppercase().as_bytes()))
}

/// Where a device is, by the first name of each that is given; `None` if none is.
pub(crate) fn place(
    parameters: &Parameters,
    latitude: [&'static str; 2],
    longitude: [&'static str; 2],
) -> Result<Option<GeoPoint>, Refusal> {
    let degrees = |names: [&'static str; 2], max: f64| {
        let name = names.into_iter().find(|name| parameters.find_filled(name).is_some()).unwrap_or(names[0]);
        match parameters.number(name)? {
            Some(degrees) if degrees.abs() > max => {
                Err(Refusal::Parameters(format!("`{name}` is to be within {max} degrees").into()))
            }
            degrees => Ok(degrees),
        }
    };
    match (degrees(latitude, 90.0)?, degrees(longitude, 180.0)?) {
        (Some(latitude), Some(longitude)) => Ok(Some(GeoPoint { latitude, longitude })),
        (None, None) => Ok(None),
        _ => Err(Refusal::Parameters(format!("give `{}` and `{}` together", latitude[0], longitude[0]).into())),
    }
}
