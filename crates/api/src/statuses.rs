use model::{Device, MeasurementId, Value};
use store::{LatestReading, Select};

use crate::{ApiState, error::Refusal};

/// What a device last said about itself.
#[derive(Debug)]
pub(crate) struct Statuses(Vec<LatestReading>);

impl Statuses {
    pub(crate) async fn get(api: &ApiState, device: &Device) -> Result<Self, Refusal> {
        Ok(Self(api.store().latest(device.org, device.id, Select::Statuses).await?))
    }

    /// A number that makes sense as a count of something.
    pub(crate) fn find_number(&self, id: MeasurementId) -> Option<f64> {
        self.find(id)?.as_number().filter(|number| number.is_finite())
    }

    /// A version, which reads `1.0` even where it came as a number; empty when unknown.
    pub(crate) fn version(&self, id: MeasurementId) -> String {
        match self.find(id) {
            None => String::new(),
            Some(Value::Number(number)) => format!("{number:?}"),
            Some(text) => text.to_string(),
        }
    }

    fn find(&self, id: MeasurementId) -> Option<&Value> {
        self.0.iter().find(|status| status.series.measurement == id).map(|status| &status.value)
    }
}
