//! The kind `image`.

use toml::Spanned;
use toml::de::DeValue;

use super::{Check, Kind, Surroundings};
use crate::diagnostic::Problem;
use crate::model::Confirm;

/// The kind `image`.
pub const KIND: Kind = Kind {
    name: "image",
    keys: &[
        "model",
        "prompt",
        "size",
        "quality",
        "response_format",
        "url",
        "headers",
        "auth",
        "expect",
    ],
    confirm: Confirm::COSTLY,
    build,
};

fn build(
    table: &Spanned<DeValue<'_>>,
    _: &Surroundings<'_>,
) -> Result<Box<dyn Check>, Vec<Problem>> {
    Err(vec![Problem::new(
        table.span(),
        "kind `image` is not there yet",
    )])
}
