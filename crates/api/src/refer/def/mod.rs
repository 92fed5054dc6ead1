//! Static definitions, below `/refer/def`.

pub(crate) mod sensor;
