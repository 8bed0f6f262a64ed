//! What a parameter is, told by the name of its type and by how it is taken.

use proc_macro2::Ident;
use quote::format_ident;
use syn::{GenericArgument, Pat, PathArguments, Type, TypePath};

use super::parameter::ParameterKind;
use crate::names;

const CONTEXT: [&str; 4] = ["Res", "Now", "Replaying", "Principal"];

/// Types that are never messages, borrowed by habit.
const NEVER_MESSAGES: [&str; 26] = [
    "String",
    "Vec",
    "Option",
    "Box",
    "Arc",
    "Rc",
    "Cow",
    "Duration",
    "Timestamp",
    "Uuid",
    "bool",
    "char",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "f32",
    "f64",
];

/// How a parameter is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    Owned,
    Shared,
    Exclusive,
}

/// A method that does not use a parameter calls it `_price`; in storage it is the `price` all the same.
fn field_name(parameter: &Ident) -> Ident {
    let name = parameter.to_string();
    match name.strip_prefix('_') {
        Some(used) if syn::parse_str::<Ident>(used).is_ok() => Ident::new(used, parameter.span()),
        _ => parameter.clone(),
    }
}

/// What a parameter of this type stands for.
pub(super) fn kind(ty: &Type, pat: &Pat) -> ParameterKind {
    let (ty, taken) = match ty {
        Type::Reference(reference) if reference.mutability.is_some() => {
            (&*reference.elem, Taken::Exclusive)
        }
        Type::Reference(reference) => (&*reference.elem, Taken::Shared),
        ty => (ty, Taken::Owned),
    };
    match ty {
        Type::Path(path) => of_path(path, taken, pat),
        _ if taken == Taken::Owned => field(pat),
        _ => ParameterKind::Borrowed,
    }
}

/// Whether it is of those that are never messages, under the name alone.
pub(super) fn is_data(path: &TypePath) -> bool {
    path.path.segments.len() == 1 && NEVER_MESSAGES.iter().any(|name| last_is(path, name))
}

pub(super) fn field(pat: &Pat) -> ParameterKind {
    match pat {
        Pat::Ident(pat) if pat.subpat.is_none() && pat.by_ref.is_none() => {
            ParameterKind::Field(field_name(&pat.ident))
        }
        _ => ParameterKind::Unnamed,
    }
}

fn of_path(path: &TypePath, taken: Taken, pat: &Pat) -> ParameterKind {
    if let Some((given, kind)) = given(path, taken, pat) {
        if given == taken {
            return kind;
        }
        let sign = match given {
            Taken::Owned => "",
            Taken::Shared => "&",
            Taken::Exclusive => "&mut ",
        };
        return ParameterKind::Otherwise {
            write: format!("{sign}{}", names::spoken(path)),
            meant: Box::new(kind),
        };
    }
    if is_row_by_reference(path) {
        return ParameterKind::Otherwise {
            write: "Option<Self>".to_owned(),
            meant: Box::new(ParameterKind::Row),
        };
    }
    if let Some(resource) = inner_resource(path) {
        return ParameterKind::Otherwise {
            write: names::spoken(resource),
            meant: Box::new(ParameterKind::Context),
        };
    }
    let has_arguments = path
        .path
        .segments
        .iter()
        .any(|part| !part.arguments.is_none());
    let is_data = last_is(path, "str") || is_data(path);
    match taken {
        Taken::Owned => field(pat),
        _ if has_arguments || is_data => ParameterKind::Borrowed,
        Taken::Shared => ParameterKind::Message(path.clone()),
        Taken::Exclusive => ParameterKind::Otherwise {
            write: format!("&{}", names::spoken(path)),
            meant: Box::new(ParameterKind::Message(path.clone())),
        },
    }
}

/// What is given under the name of a type, and how. A type of the user's own may have such a name where it is taken in
/// another way, unless it has what only ours has behind it.
fn given(path: &TypePath, taken: Taken, pat: &Pat) -> Option<(Taken, ParameterKind)> {
    let is_plain = |name| last_is(path, name);
    let is_borrowed = |name| taken != Taken::Owned && last_is(path, name);
    let is_of = |name| of_is(path, name);
    if CONTEXT.into_iter().any(is_plain)
        && (taken == Taken::Owned || !is_plain("Res") || is_of("Res"))
    {
        return Some((Taken::Owned, ParameterKind::Context));
    }
    if is_borrowed("StreamId") {
        return Some((Taken::Shared, ParameterKind::Stream));
    }
    if is_borrowed("History") {
        return Some((Taken::Shared, ParameterKind::History));
    }
    if let Some(payload) = envelope(path) {
        return Some((Taken::Shared, ParameterKind::Envelope(payload.clone())));
    }
    if is_of("Tx") || (taken == Taken::Exclusive && is_plain("Tx")) {
        return Some((Taken::Exclusive, ParameterKind::Tx));
    }
    if is_of("Emitter") || (taken == Taken::Exclusive && is_plain("Emitter")) {
        let events = type_arguments(path).nth(1).cloned();
        return Some((Taken::Exclusive, ParameterKind::Emitter { events }));
    }
    if is_of("Other") {
        let kind = match field(pat) {
            ParameterKind::Field(name) => ParameterKind::Other(name),
            unnamed => unnamed,
        };
        return Some((Taken::Owned, kind));
    }
    is_row(path, &format_ident!("Self")).then_some((Taken::Owned, ParameterKind::Row))
}

/// `Res<Mailer>` somewhere inside, as in `Option<Res<Mailer>>`.
fn inner_resource(path: &TypePath) -> Option<&TypePath> {
    type_arguments(path).find_map(|argument| match argument {
        Type::Path(inner) if of_is(inner, "Res") => Some(inner),
        Type::Path(inner) => inner_resource(inner),
        _ => None,
    })
}

/// Whether it is `Option<Self>`.
pub(super) fn is_row(path: &TypePath, this: &Ident) -> bool {
    let is_self = |ty: &Type| matches!(ty, Type::Path(path) if path.path.is_ident(this));
    last_is(path, "Option") && type_arguments(path).any(is_self)
}

/// Whether it is `Option<&Self>`.
fn is_row_by_reference(path: &TypePath) -> bool {
    let is_self = |ty: &Type| match ty {
        Type::Reference(reference) => {
            matches!(&*reference.elem, Type::Path(path) if path.path.is_ident("Self"))
        }
        _ => false,
    };
    last_is(path, "Option") && type_arguments(path).any(is_self)
}

/// The `T` of `Message<T>`.
fn envelope(path: &TypePath) -> Option<&Type> {
    last_is(path, "Message").then(|| type_arguments(path).next())?
}

/// The `A` and `B` of `Name<A, B>`.
pub(crate) fn type_arguments(path: &TypePath) -> impl Iterator<Item = &Type> {
    let arguments = match path.path.segments.last().map(|last| &last.arguments) {
        Some(PathArguments::AngleBracketed(arguments)) => Some(&arguments.args),
        _ => None,
    };
    let arguments = arguments.into_iter().flatten();
    arguments.filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// Whether it is `name<…>`: a type of the user's own may have the name alone.
fn of_is(path: &TypePath, name: &str) -> bool {
    let last = path.path.segments.last();
    last.is_some_and(|last| last.ident == name && !last.arguments.is_none())
}

pub(super) fn last_is(path: &TypePath, name: &str) -> bool {
    let last = path.path.segments.last();
    last.is_some_and(|segment| segment.ident == name)
}
