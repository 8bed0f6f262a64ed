//! Names: of the structs that methods define, and of what is stored.

use syn::ext::IdentExt;

use super::{Kind, message};
use crate::diagnostics::Diagnostics;
use crate::model::block::Model;
use crate::model::handler::Handler;
use crate::names;

/// An alias is another name.
pub(super) fn aliases(kind: Kind, model: &Model, dx: &mut Diagnostics) {
    let same = model
        .aliases
        .iter()
        .find(|alias| alias.value() == model.name);
    if let Some(alias) = same {
        let (attribute, name) = (kind.attribute(), &model.name);
        dx.error(
            alias,
            format!("`{attribute}` is named `{name}` anyway: an alias is a name of the past"),
            "remove it, or write the name that the actor had before",
        );
    }
}

/// The struct of a message has a name of its own.
pub(super) fn of_struct(model: &Model, handler: &mut Handler, dx: &mut Diagnostics) {
    if !handler.is_definition() {
        return;
    }
    let (attribute, name) = (handler.role.attribute(), handler.defines.to_string());
    let generated = [format!("{}Ref", model.ident), model.events.to_string()];
    let (what, help) = if let Some(whose) = names::hides(&name) {
        (
            format!("`{attribute}` would define a struct `{name}`, which would hide {whose}"),
            format!(
                "rename the method, as `{}_{}`; what is stored may keep its name: `#[{}(\"{}\")]`",
                handler.name().unraw(),
                names::snake(&model.ident.unraw().to_string()),
                handler.role.word(),
                model.stored_name(handler),
            ),
        )
    } else if model.ident == name {
        (
            format!("`{attribute}` would define a struct `{name}`, and the actor is called so"),
            "rename the method: a message says what is to happen, or what happened".to_owned(),
        )
    } else if generated.contains(&name) {
        (
            format!(
                "`{attribute}` would define a struct `{name}`, which `#[actor]` defines already"
            ),
            "rename the method".to_owned(),
        )
    } else {
        return;
    };
    dx.error(handler.name(), what, help);
    // What is hidden is needed by others. A trait hardly ever is, and the struct perhaps.
    if !names::is_trait(&name) {
        handler.defines = names::beside(handler.name());
    }
}

/// What is stored under a name of its own says so at one place.
pub(super) fn of_stored(model: &Model, handler: &Handler, dx: &mut Diagnostics) {
    let name = model.stored_name(handler);
    let attribute = handler.role.attribute();
    if handler.message_parameter().is_some() && !handler.stored.is_unnamed() {
        let named = names::spoken(handler.message());
        dx.error(
            &handler.attr.meta,
            format!("`{attribute}` takes `{named}`, whose own definition says how it is stored"),
            format!(
                "write `{attribute}`, and `#[{}(…)]` with these options above `struct {named}`",
                handler.role.word()
            ),
        );
    }
    message::aliases(&attribute, &name, &handler.stored, dx);
    if handler.is_definition() && !names::is_type_name(&name) {
        dx.error(
            handler.name(),
            format!(
                "`{attribute}` would store its message as `{name}`, which is no name of a type"
            ),
            format!(
                "name it with letters of ASCII, digits and `_`, {} bytes at most with its prefix",
                names::MAX_TYPE_NAME
            ),
        );
    }
}
