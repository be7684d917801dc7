//! The CPU's fused loops ([`cpu`](super::cpu)) as operations of burn-flex, plain and differentiable.

pub mod backend;
pub mod operations;
