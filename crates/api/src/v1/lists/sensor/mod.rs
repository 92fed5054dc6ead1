//! Below `/1.0/lists/sensor`.

pub(crate) mod measure;
