use model::Value;

/// A value that still lies where it was decoded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueRef<'a> {
    /// A number.
    Number(f64),
    /// Text.
    Text(&'a str),
    /// A JSON array or object.
    Json(&'a str),
}

impl ValueRef<'_> {
    /// The number, if it is one.
    pub fn as_number(self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Text(_) | Self::Json(_) => None,
        }
    }

    /// A value of its own.
    pub fn to_value(self) -> Value {
        match self {
            Self::Number(number) => Value::Number(number),
            Self::Text(text) => Value::Text(text.into()),
            Self::Json(text) => Value::Json(text.into()),
        }
    }
}

impl<'a> From<&'a Value> for ValueRef<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Number(number) => Self::Number(*number),
            Value::Text(text) => Self::Text(text),
            Value::Json(text) => Self::Json(text),
        }
    }
}
