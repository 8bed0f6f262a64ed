//! Parameters of handlers: fields of the message, the message itself, or something from the surroundings.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Attribute, MetaList, Pat, PatType, Path, Type, TypePath};

use super::fields::Around;
use super::given::{self, field, is_data, is_row, last_is, type_arguments};
use super::reactions::key;
use crate::names;
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
    /// `#[stream(format!("name-{name}"))] holder: Other<Name>`: a stream that follows from the message, and no part of it.
    Derived {
        /// What gives its name.
        stream: TokenStream,
    },
    /// `&CartEvent`, or with its envelope: one type for several events.
    AnyEvent {
        /// What each of them becomes.
        ty: Type,
        /// Whether it is `&Message<CartEvent>`.
        enveloped: bool,
    },
    /// Something that is there to be taken, in another way.
    Otherwise {
        /// What to write.
        write: String,
        /// What is probably meant.
        meant: Box<ParameterKind>,
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
    /// `&str`, `&[T]`, `&mut u32`, …: what no message can hold.
    Borrowed,
}

impl Parameter {
    /// What this parameter stands for, told by its type.
    pub(crate) fn new(source: PatType) -> Self {
        let kind = given::kind(&source.ty, &source.pat);
        let mut parameter = Self { source, kind };
        if let (ParameterKind::Other(_), Some(list)) = (&parameter.kind, parameter.stream_list()) {
            let stream = list.tokens.clone();
            parameter.kind = ParameterKind::Derived { stream };
        }
        parameter
    }

    /// Takes a field, or a message, for a resource.
    pub(crate) fn recognise_resource(&mut self) {
        let ((ParameterKind::Field(_), Type::Path(path)) | (ParameterKind::Message(path), _)) =
            (&self.kind, &*self.source.ty)
        else {
            return;
        };
        if is_data(path) && !last_is(path, "Arc") {
            return;
        }
        let inner = type_arguments(path).next().filter(|_| last_is(path, "Arc"));
        let resource = inner.map_or_else(|| names::spoken(path), names::spoken);
        self.kind = ParameterKind::Otherwise {
            write: format!("Res<{resource}>"),
            meant: Box::new(ParameterKind::Context),
        };
    }

    /// Takes a field for the message of the name that the method has.
    pub(crate) fn recognise_message(&mut self, name: &Ident) {
        let Type::Path(path) = &*self.source.ty else {
            return;
        };
        let last = path.path.segments.last();
        let is_named = last.is_some_and(|last| last.ident == *name && last.arguments.is_none())
            && !is_data(path);
        if matches!(self.kind, ParameterKind::Field(_)) && is_named {
            self.kind = ParameterKind::Otherwise {
                write: format!("&{}", names::spoken(path)),
                meant: Box::new(ParameterKind::Message(path.clone())),
            };
        }
    }

    /// Takes `Option<Todo>` for the row that it is, in the block of `Todo`.
    pub(crate) fn recognise_row(&mut self, this: &Ident) {
        if matches!(&*self.source.ty, Type::Path(path) if is_row(path, this)) {
            self.kind = ParameterKind::Row;
        }
    }

    /// What it stands for, or is probably to stand for.
    pub(crate) fn meant(&self) -> &ParameterKind {
        match &self.kind {
            ParameterKind::Otherwise { meant, .. } => meant,
            kind => kind,
        }
    }

    /// The field it is, if it is one.
    pub(crate) fn field(&self) -> Option<Field<'_>> {
        let (name, is_stream) = match self.meant() {
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

    /// Whether its type could be a message, as far as its name shows.
    pub(crate) fn may_be_message(&self) -> bool {
        let Type::Path(path) = &*self.source.ty else {
            return false;
        };
        let is_plain = path
            .path
            .segments
            .iter()
            .all(|part| part.arguments.is_none());
        matches!(self.kind, ParameterKind::Field(_)) && is_plain && !is_data(path)
    }

    /// Whether it asks whether it is a replay.
    pub(crate) fn is_replaying(&self) -> bool {
        matches!(&*self.source.ty, Type::Path(path) if last_is(path, "Replaying"))
    }

    /// Whether it asks for the principal.
    pub(crate) fn is_principal(&self) -> bool {
        matches!(&*self.source.ty, Type::Path(path) if last_is(path, "Principal"))
    }

    /// What it is called, if it has one name.
    pub(crate) fn name(&self) -> Option<&Ident> {
        match &*self.source.pat {
            Pat::Ident(pat) if pat.subpat.is_none() => Some(&pat.ident),
            _ => None,
        }
    }

    /// Makes a field of what cannot be one, of the type that is probably meant. What is no field either way is left to the
    /// surroundings.
    pub(crate) fn mend(&mut self, at: usize, around: &Around<'_>) {
        self.kind = match &self.kind {
            ParameterKind::Borrowed | ParameterKind::Unnamed => {
                match (field(&self.source.pat), self.source.ty.span()) {
                    (ParameterKind::Field(name), _) => ParameterKind::Field(name),
                    (_, span) => ParameterKind::Field(Ident::new(&format!("field_{at}"), span)),
                }
            }
            ParameterKind::Field(name) => ParameterKind::Field(name.clone()),
            _ => return,
        };
        *self.source.ty = around.owned(&self.source.ty);
    }

    /// The message it names, if it names one.
    pub(crate) fn message(&self) -> Option<&dyn ToTokens> {
        match self.meant() {
            ParameterKind::Message(path) => Some(path),
            ParameterKind::Envelope(ty) => Some(ty),
            _ => None,
        }
    }

    /// Takes `&CartEvent` for what it is, where `CartEvent` is the actor's own.
    pub(crate) fn recognise(&mut self, events: &Ident) {
        let is_own = match self.meant() {
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
        let (ty, enveloped) = match self.meant() {
            ParameterKind::Message(path) => (Type::Path(path.clone()), false),
            ParameterKind::Envelope(ty) => (ty.clone(), true),
            _ => return,
        };
        let any = ParameterKind::AnyEvent { ty, enveloped };
        match &mut self.kind {
            ParameterKind::Otherwise { meant, .. } => **meant = any,
            kind => *kind = any,
        }
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
        match self.meant() {
            ParameterKind::Message(path) => last_is(path, "StoredMessage"),
            ParameterKind::Envelope(Type::Path(path)) => last_is(path, "Payload"),
            _ => false,
        }
    }

    /// Its `#[cfg]`s.
    pub(crate) fn cfgs(&self) -> impl Iterator<Item = &Attribute> {
        self.source.attrs.iter().filter(|attr| is_cfg(attr))
    }

    /// Its `#[stream(…)]`.
    pub(crate) fn stream_attr(&self) -> Option<&Attribute> {
        self.source.attrs.iter().find(|attr| is_stream(attr))
    }

    /// What stands in its `#[stream(…)]`.
    fn stream_list(&self) -> Option<&MetaList> {
        self.stream_attr()?.meta.require_list().ok()
    }

    /// Whether it is another actor.
    pub(crate) fn is_other(&self) -> bool {
        matches!(
            self.kind,
            ParameterKind::Other(_) | ParameterKind::Derived { .. }
        )
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
            is_cfg(attr) || !(is_stream(attr) || ON_PARAMETERS.iter().any(is_about_parameter))
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

fn is_stream(attr: &Attribute) -> bool {
    attr.path().is_ident("stream")
}

/// Whether it is a `#[cfg(…)]`.
pub(crate) fn is_cfg(attr: &Attribute) -> bool {
    attr.path().is_ident("cfg")
}

impl ToTokens for Parameter {
    fn to_tokens(&self, out: &mut TokenStream) {
        self.source.to_tokens(out);
    }
}
