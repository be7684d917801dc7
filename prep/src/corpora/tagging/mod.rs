//! Tagging schemes: how a tag per token marks where entities begin and end.
//!
//! | module | what it holds |
//! |---|---|
//! | [`scheme`] | the schemes |
//! | [`tag`] | a tag, parsed from text |
//! | [`detect`] | which scheme the tags of a corpus follow |
//! | [`decode`](mod@decode) | tags to entities |
//! | [`encode`](mod@encode) | entities to tags |
//! | [`violations`] | tags that a scheme does not allow, kept for the way back |

pub mod decode;
pub mod detect;
pub mod encode;
pub mod scheme;
pub mod tag;
pub mod violations;
