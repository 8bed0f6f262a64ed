//! Parameters of handlers: fields of the message, the message itself, or something from the surroundings.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{Attribute, GenericArgument, Pat, PatType, Path, PathArguments, Type, TypePath};

use super::reactions::key;
use crate::parse::member::ON_PARAMETERS;

/// One parameter after the receiver.
pub(crate) struct Parameter {
    /// As it was written.
    pub(crate) source: PatType,
    /// What it stands for.
    pub(crate) kind: ParameterKind,
}

/// What a parameter stands for.
pub(crate) enum ParameterKind {
    /// An owned value: a field of the message that the handler defines.
    Field(Ident),
    /// An owned value that cannot be a field, because it has no single name.
    Unnamed,
    /// `Res<..>`, `Now`, `Replaying`, `Principal`.
    Context,
    /// `&History`
    History,
    /// `&mut Emitter<Self>`, or `&mut Emitter<Self, (Added, Emptied)>`
    Emitter {
        /// The events that it takes, where they are written.
        events: Option<Type>,
    },
    /// `Other<Account>`: a stream in the message, an actor for the handler.
    Other(Ident),
    /// `&CartEvent`, or with its envelope: one type for several events.
    AnyEvent {
        /// What each of them becomes.
        ty: Type,
        /// Whether it is `&Message<CartEvent>`.
        enveloped: bool,
    },
    /// Something of ours, taken in another way than it is given.
    Otherwise {
        /// What to write.
        write: &'static str,
    },
    /// `Option<Self>`: the row of a table, if it is there.
    Row,
    /// `RowChange`: what has become of the row of a table, after the commit.
    RowChange,
    /// `&StreamId`
    Stream,
    /// `&mut Tx<'_>`
    Tx,
    /// `&AddItem`
    Message(TypePath),
    /// `&Message<AddItem>`
    Envelope(Type),
    /// `&str`, `&[T]`, `&mut T`, …: what no message can hold.
    Borrowed {
        /// What to write instead, where it is known.
        owned: Option<&'static str>,
    },
}

const CONTEXT: [&str; 4] = ["Res", "Now", "Replaying", "Principal"];

/// Types that are never messages, borrowed by habit.
const NEVER_MESSAGES: [&str; 19] = [
    "String", "Vec", "Option", "bool", "char", "u8", "u16", "u32", "u64", "u128", "usize", "i8",
    "i16", "i32", "i64", "i128", "isize", "f32", "f64",
];

impl Parameter {
    /// What this parameter stands for, told by its type.
    pub(crate) fn new(source: PatType) -> Self {
        let kind = match &*source.ty {
            Type::Reference(reference) => borrowed(reference),
            Type::Path(path) if CONTEXT.iter().any(|name| last_is(path, name)) => {
                ParameterKind::Context
            }
            Type::Path(path) if is_row(path) => ParameterKind::Row,
            Type::Path(path) if of_is(path, "Emitter") => ParameterKind::Otherwise {
                write: "&mut Emitter<Self>",
            },
            ty => match &*source.pat {
                Pat::Ident(pat) if pat.subpat.is_none() && pat.by_ref.is_none() => {
                    let name = field_name(&pat.ident);
                    match ty {
                        Type::Path(path) if of_is(path, "Other") => ParameterKind::Other(name),
                        _ => ParameterKind::Field(name),
                    }
                }
                _ => ParameterKind::Unnamed,
            },
        };
        Self { source, kind }
    }

    /// The field it is, if it is one.
    pub(crate) fn field(&self) -> Option<Field<'_>> {
        let (name, is_stream) = match &self.kind {
            ParameterKind::Field(name) => (name, false),
            ParameterKind::Other(name) => (name, true),
            _ => return None,
        };
        Some(Field {
            name,
            ty: &self.source.ty,
            is_stream,
            attrs: &self.source.attrs,
        })
    }

    /// Whether it asks whether it is a replay.
    pub(crate) fn is_replaying(&self) -> bool {
        matches!(&*self.source.ty, Type::Path(path) if last_is(path, "Replaying"))
    }

    /// Whether it asks for the principal.
    pub(crate) fn is_principal(&self) -> bool {
        matches!(&*self.source.ty, Type::Path(path) if last_is(path, "Principal"))
    }

    /// The message it names, if it names one.
    pub(crate) fn message(&self) -> Option<&dyn ToTokens> {
        match &self.kind {
            ParameterKind::Message(path) => Some(path),
            ParameterKind::Envelope(ty) => Some(ty),
            _ => None,
        }
    }

    /// Takes `&CartEvent` for what it is, where `CartEvent` is the actor's own.
    pub(crate) fn recognise(&mut self, events: &Ident) {
        let is_own = match &self.kind {
            ParameterKind::Message(path) | ParameterKind::Envelope(Type::Path(path)) => {
                path.path.is_ident(events)
            }
            _ => false,
        };
        if is_own {
            self.recognise_any();
        }
    }

    /// Takes a message for what each of the events that are listed becomes, unless it is one of them.
    pub(crate) fn recognise_any_of(&mut self, listed: &[Path]) {
        let named = self.message().map(|named| key(&named.to_token_stream()));
        let is_named = |path: &Path| Some(key(&path.to_token_stream())) == named;
        if !listed.is_empty() && !listed.iter().any(is_named) {
            self.recognise_any();
        }
    }

    fn recognise_any(&mut self) {
        let (ty, enveloped) = match &self.kind {
            ParameterKind::Message(path) => (Type::Path(path.clone()), false),
            ParameterKind::Envelope(ty) => (ty.clone(), true),
            _ => return,
        };
        self.kind = ParameterKind::AnyEvent { ty, enveloped };
    }

    /// Takes `RowChange` for what it is, where no parameter is a field.
    pub(crate) fn recognise_row_change(&mut self) {
        if matches!(&*self.source.ty, Type::Path(path) if last_is(path, "RowChange")) {
            self.kind = ParameterKind::RowChange;
        }
    }

    /// Whether it is what has become of a row.
    pub(crate) fn is_row_change(&self) -> bool {
        matches!(self.kind, ParameterKind::RowChange)
    }

    /// Whether it is `&StoredMessage`, or `&Message<Payload>`.
    pub(crate) fn is_stored_message(&self) -> bool {
        match &self.kind {
            ParameterKind::Message(path) => last_is(path, "StoredMessage"),
            ParameterKind::Envelope(Type::Path(path)) => last_is(path, "Payload"),
            _ => false,
        }
    }

    /// Its `#[cfg]`s.
    pub(crate) fn cfgs(&self) -> impl Iterator<Item = &Attribute> {
        self.source.attrs.iter().filter(|attr| is_cfg(attr))
    }
}

/// A parameter as a field.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a> {
    /// Its name.
    pub(crate) name: &'a Ident,
    /// Its type.
    pub(crate) ty: &'a Type,
    /// Whether it is a stream id in the message, whatever the handler gets for it.
    pub(crate) is_stream: bool,
    attrs: &'a [Attribute],
}

impl<'a> Field<'a> {
    /// The attributes that move to the field: all but those that are about the parameter.
    pub(crate) fn attrs(self) -> impl Iterator<Item = &'a Attribute> {
        let moves = |attr: &&Attribute| {
            let is_about_parameter = |word: &&str| attr.path().is_ident(word);
            is_cfg(attr) || !ON_PARAMETERS.iter().any(is_about_parameter)
        };
        self.attrs.iter().filter(moves)
    }

    /// Its `#[cfg]`s.
    pub(crate) fn cfgs(self) -> impl Iterator<Item = &'a Attribute> {
        self.attrs.iter().filter(|attr| is_cfg(attr))
    }

    /// Whether it says what it is.
    pub(crate) fn is_documented(self) -> bool {
        self.attrs.iter().any(|attr| attr.path().is_ident("doc"))
    }

    /// Its rules of garde.
    pub(crate) fn rules(self) -> Option<&'a Attribute> {
        self.attrs.iter().find(|attr| attr.path().is_ident("garde"))
    }

    /// Whether it is written as `String`.
    pub(crate) fn is_string(self) -> bool {
        matches!(self.ty, Type::Path(path) if last_is(path, "String"))
    }
}

/// Whether it is a `#[cfg(…)]`.
pub(crate) fn is_cfg(attr: &Attribute) -> bool {
    attr.path().is_ident("cfg")
}

/// A method that does not use a parameter calls it `_price`; in storage it is the `price` all the same.
fn field_name(parameter: &Ident) -> Ident {
    let name = parameter.to_string();
    match name.strip_prefix('_') {
        Some(used) if syn::parse_str::<Ident>(used).is_ok() => Ident::new(used, parameter.span()),
        _ => parameter.clone(),
    }
}

fn borrowed(reference: &syn::TypeReference) -> ParameterKind {
    let path = match (&*reference.elem, &reference.mutability) {
        (Type::Path(path), None) => path,
        (Type::Path(path), Some(_)) if last_is(path, "Tx") => return ParameterKind::Tx,
        (Type::Path(path), Some(_)) if last_is(path, "Emitter") => {
            let events = type_arguments(path).nth(1).cloned();
            return ParameterKind::Emitter { events };
        }
        (Type::Slice(_), _) => {
            return ParameterKind::Borrowed {
                owned: Some("Vec<…>"),
            };
        }
        _ => return ParameterKind::Borrowed { owned: None },
    };
    if last_is(path, "StreamId") {
        return ParameterKind::Stream;
    }
    if last_is(path, "History") {
        return ParameterKind::History;
    }
    let otherwise = [("Emitter", "&mut Emitter<Self>"), ("Other", "Other<…>")];
    if let Some((_, write)) = otherwise.into_iter().find(|(name, _)| of_is(path, name)) {
        return ParameterKind::Otherwise { write };
    }
    if last_is(path, "str") {
        return ParameterKind::Borrowed {
            owned: Some("String"),
        };
    }
    if path.path.segments.len() == 1 && NEVER_MESSAGES.iter().any(|name| last_is(path, name)) {
        return ParameterKind::Borrowed { owned: None };
    }
    match envelope(path) {
        Some(payload) => ParameterKind::Envelope(payload.clone()),
        None => ParameterKind::Message(path.clone()),
    }
}

/// Whether it is `Option<Self>`.
fn is_row(path: &TypePath) -> bool {
    let is_self = |ty: &Type| matches!(ty, Type::Path(path) if path.path.is_ident("Self"));
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

fn last_is(path: &TypePath, name: &str) -> bool {
    let last = path.path.segments.last();
    last.is_some_and(|segment| segment.ident == name)
}

impl ToTokens for Parameter {
    fn to_tokens(&self, out: &mut TokenStream) {
        self.source.to_tokens(out);
    }
}
