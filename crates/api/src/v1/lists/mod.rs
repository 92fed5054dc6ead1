//! Below `/1.0/lists`.

pub(crate) mod devices;
pub(crate) mod gateway;
pub(crate) mod group;
pub(crate) mod node;
pub(crate) mod sensor;
