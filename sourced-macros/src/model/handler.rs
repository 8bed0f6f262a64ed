//! Handlers: a role and a signature.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{
    Attribute, FnArg, Meta, MetaList, Path, Receiver, ReceiverKind, ReturnType, Signature, Type,
    TypePath, Visibility,
};

use super::fields::Around;
use super::given::type_arguments;
use super::parameter::{Field, Parameter, ParameterKind, is_cfg};
use crate::diagnostics::Diagnostics;
use crate::names;
use crate::parse::member::{Member, Role};
use crate::parse::options::{self, Options};
use crate::parse::{body, comma};

/// A method with one of our attributes.
pub(crate) struct Handler {
    /// What it is for.
    pub(crate) role: Role,
    /// Our attribute.
    pub(crate) attr: Attribute,
    /// All other attributes.
    pub(crate) attrs: Vec<Attribute>,
    /// Its visibility.
    pub(crate) vis: Visibility,
    /// Its signature.
    pub(crate) sig: Signature,
    /// The receiver, if there is one.
    pub(crate) receiver: Option<Receiver>,
    /// Everything after the receiver.
    pub(crate) parameters: Vec<Parameter>,
    /// The messages listed in the attribute: `#[reaction(ItemAdded, InventoryChecked)]`.
    pub(crate) listed: Vec<Path>,
    /// How the message is stored that it defines: `#[event("cart.item_added", alias = "cart.added")]`.
    pub(crate) stored: Options,
    /// What is between its braces, which is never parsed.
    pub(crate) body: TokenStream,
    /// What the message is called that it defines, if it defines one.
    pub(crate) defines: Ident,
    /// Whether something is wrong with it, which was said. What is generated for it then is there for the calls of it,
    /// which are no mistakes.
    pub(crate) is_broken: bool,
}

impl Handler {
    /// Reads a handler; `None` when it is not a method.
    pub(crate) fn build(member: &Member, dx: &mut Diagnostics) -> Option<Self> {
        let mut inner = member.inner.iter();
        let first = inner.next()?;
        for other in inner {
            let what = format!(
                "a method cannot be both `{}` and `{}`",
                first.role.attribute(),
                other.role.attribute()
            );
            dx.error(
                &other.attr,
                what,
                "keep one of them, and write a second method for the other",
            );
        }
        let Ok((vis, sig)) = member.signature() else {
            let what = format!("`{}` goes on a method", first.role.attribute());
            dx.error(
                member.head(),
                what,
                "put it above a `fn …(&self, …)` of the block",
            );
            return None;
        };
        let listed = listed(first.role, &first.attr, dx);
        let stored = if listed.is_empty() {
            stored(first.role, &first.attr, dx)
        } else {
            Options::default()
        };
        let mut receiver = None;
        let mut parameters = Vec::new();
        for input in &sig.inputs {
            match input {
                FnArg::Receiver(this) => receiver = Some(this.clone()),
                FnArg::Typed(typed) => parameters.push(Parameter::new(typed.clone())),
            }
        }
        let mut handler = Self {
            role: first.role,
            attr: first.attr.clone(),
            attrs: member.attrs.clone(),
            vis,
            receiver,
            parameters,
            listed,
            stored,
            body: member.body(),
            defines: names::message_of(&sig.ident),
            sig,
            is_broken: false,
        };
        handler.recognise();
        Some(handler)
    }

    /// Takes parameters for what they are probably meant to be, by their names and by what the method does with them.
    fn recognise(&mut self) {
        let body = &self.body;
        let is_data =
            |parameter: &&Parameter| parameter.field().is_some() || parameter.message().is_some();
        let n_data = self.parameters.iter().filter(is_data).count();
        let message = &self.defines;
        for parameter in &mut self.parameters {
            let is_awaited = parameter
                .name()
                .is_some_and(|name| body::awaits(body, name));
            let is_alone = n_data == 1 && parameter.message().is_some();
            match self.role {
                Role::Command | Role::Reaction | Role::On if is_awaited && !is_alone => {
                    parameter.recognise_resource();
                }
                Role::Command | Role::Event => parameter.recognise_message(message),
                _ => {}
            }
        }
    }

    /// Takes its wrong fields for what they are probably meant to be, in the block of this type.
    pub(crate) fn mend(&mut self, this: &TypePath) {
        let generics = self.sig.generics.clone();
        let around = Around {
            this: this.to_token_stream(),
            generics: &generics,
        };
        if let ReturnType::Type(_, ty) = &mut self.sig.output
            && let Some(meant) = around.returned(ty)
        {
            **ty = meant;
        }
        for (at, parameter) in self.parameters.iter_mut().enumerate() {
            parameter.mend(at, &around);
        }
        self.is_broken = true;
    }

    /// What stands around its types, in the block of this one.
    pub(crate) fn around(&self, this: &TypePath) -> Around<'_> {
        Around {
            this: this.to_token_stream(),
            generics: &self.sig.generics,
        }
    }

    /// The one field of the message that it defines, where that is perhaps a message itself, which was to be taken by
    /// reference: `fn on_added(&mut self, event: order::Added)`.
    pub(crate) fn suspect(&self) -> Option<&Parameter> {
        let mut fields = self.parameters.iter().filter(|it| it.field().is_some());
        let (field, None) = (fields.next()?, fields.next()) else {
            return None;
        };
        // An event in an event is nothing else. A command may carry another one: `fn remind(&self, mail: SendMail)`.
        let is_named_so = |name: &Ident| {
            let name = name.to_string();
            ["command", "cmd", "message", "msg", "request"].contains(&name.trim_start_matches('_'))
        };
        let is_suspect = self.role == Role::Event || field.name().is_some_and(is_named_so);
        (is_suspect && field.may_be_message()).then_some(field)
    }

    /// The name of the method.
    pub(crate) fn name(&self) -> &Ident {
        &self.sig.ident
    }

    /// The parameter that names the message, if one does.
    pub(crate) fn message_parameter(&self) -> Option<&Parameter> {
        self.parameters
            .iter()
            .find(|parameter| parameter.message().is_some())
    }

    /// The message a command or event method is for: named by a parameter, or defined by the method.
    pub(crate) fn message(&self) -> TokenStream {
        match self.message_parameter().and_then(Parameter::message) {
            Some(named) => named.to_token_stream(),
            None => self.defines.to_token_stream(),
        }
    }

    /// The events an event method is for: those that it lists, or the one.
    pub(crate) fn events(&self) -> Vec<TokenStream> {
        if self.listed.is_empty() {
            return vec![self.message()];
        }
        self.listed.iter().map(ToTokens::to_token_stream).collect()
    }

    /// Where the return type is written, or would be.
    pub(crate) fn returned_span(&self) -> Span {
        match &self.sig.output {
            ReturnType::Default => self.name().span(),
            ReturnType::Type(_, ty) => ty.span(),
        }
    }

    /// Whether the method defines its message.
    pub(crate) fn is_definition(&self) -> bool {
        matches!(self.role, Role::Command | Role::Event)
            && self.message_parameter().is_none()
            && self.listed.is_empty()
    }

    /// Whether it takes the row of a table, if it is there: `row: Option<Self>`.
    pub(crate) fn takes_row(&self) -> bool {
        let is_row = |parameter: &Parameter| matches!(parameter.meant(), ParameterKind::Row);
        self.parameters.iter().any(is_row)
    }

    /// Whether it is an `#[event]` method that only a table can have: it gives a row back, or takes one that may be there.
    pub(crate) fn is_of_table(&self) -> bool {
        let is_by_reference = self
            .receiver
            .as_ref()
            .is_some_and(|receiver| matches!(receiver.kind, ReceiverKind::Reference(..)));
        let gives_back = match &self.sig.output {
            ReturnType::Type(_, ty) => !is_by_reference || names_a_row(ty),
            ReturnType::Default => false,
        };
        self.role == Role::Event && (gives_back || self.takes_row())
    }

    /// Whether it is the `#[state]` that loads what was saved.
    pub(crate) fn is_load(&self) -> bool {
        self.role == Role::State && self.sig.asyncness.is_some()
    }

    /// The transaction that it takes.
    pub(crate) fn tx_parameter(&self) -> Option<&Parameter> {
        let is_tx = |parameter: &&Parameter| matches!(parameter.meant(), ParameterKind::Tx);
        self.parameters.iter().find(is_tx)
    }

    /// Whether it emits step by step.
    pub(crate) fn takes_emitter(&self) -> bool {
        let is_emitter =
            |parameter: &Parameter| matches!(parameter.meant(), ParameterKind::Emitter { .. });
        self.parameters.iter().any(is_emitter)
    }

    /// The events that its emitter takes, where they are written.
    pub(crate) fn emitter_events(&self) -> Option<&Type> {
        self.parameters
            .iter()
            .find_map(|parameter| match parameter.meant() {
                ParameterKind::Emitter { events } => events.as_ref(),
                _ => None,
            })
    }

    /// Whether a call of it waits: by itself, or for what it takes.
    pub(crate) fn waits(&self) -> bool {
        self.sig.asyncness.is_some() || self.parameters.iter().any(Parameter::is_other)
    }

    /// Whether it asks for all that happened before.
    pub(crate) fn takes_history(&self) -> bool {
        let is_history =
            |parameter: &Parameter| matches!(parameter.meant(), ParameterKind::History);
        self.parameters.iter().any(is_history)
    }

    /// The fields of the message that it defines.
    pub(crate) fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        self.parameters.iter().filter_map(Parameter::field)
    }

    /// Its `#[cfg]`s, for everything that is generated for it.
    pub(crate) fn cfgs(&self) -> TokenStream {
        let cfgs = self.attrs.iter().filter(|attr| is_cfg(attr));
        quote!(#(#cfgs)*)
    }

    /// Its `#[deprecated]`, which is for those who call it.
    pub(crate) fn deprecated(&self) -> Option<&Attribute> {
        let mut attrs = self.attrs.iter();
        attrs.find(|attr| attr.path().is_ident("deprecated"))
    }

    /// Its docs.
    pub(crate) fn docs(&self) -> impl Iterator<Item = &Attribute> {
        self.attrs.iter().filter(|attr| attr.path().is_ident("doc"))
    }
}

/// `Self`, `Option<Self>`, `Delete`.
fn names_a_row(ty: &Type) -> bool {
    let Type::Path(path) = ty else {
        return false;
    };
    let is = |name: &str| path.path.is_ident(name);
    is("Self") || is("Delete") || type_arguments(path).any(names_a_row)
}

fn listed(role: Role, attr: &Attribute, dx: &mut Diagnostics) -> Vec<Path> {
    let list = match &attr.meta {
        Meta::Path(_) => return Vec::new(),
        Meta::List(list) if list.tokens.is_empty() => return Vec::new(),
        Meta::List(list) if role == Role::Event => return listed_events(list, dx),
        Meta::List(_) if role == Role::Command => return Vec::new(),
        Meta::List(list) if matches!(role, Role::Reaction | Role::On) => list,
        Meta::List(_) | Meta::NameValue(_) => {
            let (what, help) = match role {
                Role::Command | Role::Event => (
                    format!("`{}` takes its options in parentheses", role.attribute()),
                    format!("write `#[{}(\"…\")]`", role.word()),
                ),
                _ => (
                    format!("`{}` takes no options on a method", role.attribute()),
                    format!("write `{}`", role.attribute()),
                ),
            };
            dx.error(&attr.meta, what, help);
            return Vec::new();
        }
    };
    if let Some(paths) = comma::paths(&list.tokens, &role.attribute(), dx) {
        return paths;
    }
    dx.error(
        &list.tokens,
        format!("`{}` lists types of events", role.attribute()),
        format!("write `#[{}(ItemAdded, ItemRemoved)]`", role.word()),
    );
    Vec::new()
}

/// Where nothing in it can be an option: `#[event(ItemAdded, ItemRemoved)]`.
fn listed_events(list: &MetaList, dx: &mut Diagnostics) -> Vec<Path> {
    let mut said = Diagnostics::default();
    let paths = comma::paths(&list.tokens, &Role::Event.attribute(), &mut said);
    let is_option = |path: &Path| {
        let mut keys = options::EVENT_METHOD.keys.iter();
        keys.any(|key| path.is_ident(key))
    };
    match paths {
        Some(paths) if !paths.iter().any(is_option) => {
            dx.append(said);
            paths
        }
        _ => Vec::new(),
    }
}

fn stored(role: Role, attr: &Attribute, dx: &mut Diagnostics) -> Options {
    let declared = match role {
        Role::Command => options::COMMAND_METHOD,
        Role::Event => options::EVENT_METHOD,
        _ => return Options::default(),
    };
    match &attr.meta {
        Meta::List(list) => declared.read(list.tokens.clone(), dx),
        // What else may stand there is said where lists are read.
        _ => Options::default(),
    }
}
