use crate::{auth::Editor, envelope::Answer, error::Refusal, parameters::Parameters};

/// How often a sensor can be told to report: once a minute to once a day.
const MINUTES: std::ops::RangeInclusive<u16> = 1..=1_440;

/// Keeps with the devices that `device_euis` names how often they are to report: every
/// `report_cycle` minutes, all of them or none. Nothing tells it to the devices yet.
pub(crate) async fn update_device_report_cycle(editor: Editor, parameters: Parameters) -> Result<Answer, Refusal> {
    let euis = parameters.euis(&["device_euis", "device_eui"])?;
    let minutes: u16 = parameters.whole("report_cycle")?.ok_or_else(|| Refusal::missing("report_cycle"))?;
    if !MINUTES.contains(&minutes) {
        let (first, last) = MINUTES.into_inner();
        return Err(Refusal::Parameters(format!("`report_cycle` is to be from {first} to {last} minutes").into()));
    }
    let devices = editor.get_devices(&euis).await?;
    editor.set_report_cycle(&devices, minutes).await?;
    Ok(Answer::nothing())
}
