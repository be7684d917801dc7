//! Arrow columns of the schemas: built from values, and read back by name.

pub(crate) mod builder;
pub(crate) mod reader;
