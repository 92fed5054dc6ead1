use std::fmt;

/// The value of a reading.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number, in the unit of its measurement.
    Number(f64),
    /// Text, such as a firmware version.
    Text(Box<str>),
    /// A JSON array or object, as the lists of Wi-Fi and Bluetooth scans are.
    Json(Box<str>),
}

impl Value {
    /// The number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(_) | Self::Json(_) => None,
        }
    }

    /// Text from anything that turns into it.
    pub fn text(text: impl Into<Box<str>>) -> Self {
        Self::Text(text.into())
    }

    /// Whether two values are the same to the last bit; unlike `==` it tells −0 from 0 and finds
    /// a NaN equal to itself.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.to_bits() == b.to_bits(),
            (a, b) => a == b,
        }
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) | Self::Json(text) => text.fmt(f),
        }
    }
}
