use axum::extract::State;
use model::{DeviceEui, DeviceKind};
use serde::Serialize;
use store::{Binding, Error, Kind};

use crate::{ApiState, auth::Steward, envelope::Answer, error::Refusal, parameters::Parameters};

/// What a development kit is called among the models; no codec decodes it.
const MODEL: &str = "blank_device";
/// Most kits an organization may have.
const KITS_MAX: usize = 100;
/// How often another EUI is tried when one is taken.
const ATTEMPTS: usize = 4;

#[derive(Debug, Serialize)]
struct Created {
    eui: String,
    device_key: String,
}

/// Makes a device called `dev_name` that reports for itself, with the key that it proves itself by.
pub(crate) async fn create_development_kit(
    State(api): State<ApiState>,
    steward: Steward,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let name = parameters.device_name("dev_name")?.ok_or_else(|| Refusal::missing("dev_name"))?;
    if parameters.find_filled("sku").is_some_and(|sku| sku != MODEL) {
        return Err(Refusal::Parameters(format!("`sku` is to be `{MODEL}`").into()));
    }
    for _ in 0..ATTEMPTS {
        let binding = Binding {
            // Whose it is, the steward knows.
            org: model::OrgId::from_raw(0),
            eui: kit_eui(getrandom::u64().map_err(Error::internal)?),
            kind: DeviceKind::Node,
            model: MODEL.to_owned(),
            name: name.to_owned(),
            group: None,
            place: None,
            frequency: String::new(),
            code: String::new(),
            bound_at: api.now(),
        };
        match steward.bind_device_within(binding, KITS_MAX).await {
            Ok(kit) => {
                let (device_key, _) = steward.device_secrets(&kit);
                return Answer::of(&Created { eui: kit.eui.to_string(), device_key });
            }
            Err(Error::Conflict(Kind::Device)) => {}
            Err(Error::Limit { .. }) => return Err(Refusal::TooManyKits { max: KITS_MAX }),
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::internal("no EUI is free: the operating system's random numbers repeat").into())
}

/// The EUI of a kit, of 64 random bits.
///
/// The first byte is 5E, whose second lowest bit says that the address is locally administered:
/// no maker of hardware is given such addresses. The other 56 bits are random.
fn kit_eui(random: u64) -> DeviceEui {
    DeviceEui::from_raw(0x5E << 56 | random >> 8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_kit_has_an_eui_that_a_maker_could_give(random: u64) {
            let eui = kit_eui(random).get();
            let first = eui.to_be_bytes()[0];
            prop_assert_eq!(first & 0b11, 0b10, "locally administered, of one device");
            prop_assert_eq!(eui << 8, random >> 8 << 8, "and as random as what it is made of");
        }
    }
}
