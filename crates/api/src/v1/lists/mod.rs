//! Below `/1.0/lists`.

pub(crate) mod sensor;
