//! What is served without a key, below `/refer`.

pub(crate) mod def;
