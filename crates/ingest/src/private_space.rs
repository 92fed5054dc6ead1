//! What is published in an organization's private space of the station's own broker.

use model::{DeviceEui, Source, Timestamp};

use crate::{Accepted, IngestState, Refusal, accept_device_message, source::accept_published};

/// Takes what is published into the store, where its topic says that it is about a device. What is
/// refused for good is kept with the source's health: whoever publishes it again is refused again.
///
/// **Errors**: the store cannot take it just now, so that it has to be published again.
pub async fn accept_from_private_space(
    state: &IngestState,
    source: &Source,
    topic: &str,
    body: &[u8],
    received_at: Timestamp,
) -> Result<(), Refusal> {
    let taken = match device_of(topic) {
        Some(eui) => {
            let taken = take_report(state, source, eui, body, received_at).await;
            if let Err(refusal) = &taken {
                refusal.log(source.kind, Some(source));
            }
            taken.map(Some)
        }
        None => accept_published(state, source, topic, body, received_at).await,
    };
    match taken {
        Err(refusal) if refusal.is_for_now() => Err(refusal),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Whose report stands under a topic: `sensecraft/ipnode/2CF7F12004100005/update/event/measure-sensor`.
fn device_of(topic: &str) -> Option<DeviceEui> {
    let rest = topic.strip_prefix("sensecraft/ipnode/")?;
    rest.strip_suffix("/update/event/measure-sensor")?.parse().ok()
}

async fn take_report(
    state: &IngestState,
    source: &Source,
    eui: DeviceEui,
    body: &[u8],
    received_at: Timestamp,
) -> Result<Accepted, Refusal> {
    let device = state.store.find_device(source.org, eui).await?.ok_or(Refusal::UnknownDevice(eui))?;
    accept_device_message(&*state.store, &device, body, received_at).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_says_whose_report_it_is() {
        let eui = "2CF7F12004100005".parse().ok();
        assert_eq!(device_of("sensecraft/ipnode/2CF7F12004100005/update/event/measure-sensor"), eui);
        for topic in [
            "sensecraft/ipnode/2CF7F12004100005/update/event/change-device-status",
            "sensecraft/ipnode/+/update/event/measure-sensor",
            "sensecraft/ipnode/update/event/measure-sensor",
            "sensecraft/ipnode/a/2CF7F12004100005/update/event/measure-sensor",
        ] {
            assert_eq!(device_of(topic), None, "{topic}");
        }
    }
}
