//! Messages of methods that are wrong, or may be.

use std::marker::PhantomData;

use super::{Kind, MessageType};

/// A type of which generated code asks whether it is a message.
#[doc(hidden)]
#[derive(Debug)]
pub struct Asked<T>(PhantomData<T>);

impl<T: MessageType> Asked<T> {
    /// What it is.
    pub const KIND: Option<Kind> = Some(T::KIND);
}

/// What is answered for all other types.
#[doc(hidden)]
pub trait IsNoMessage {
    /// Nothing.
    const KIND: Option<Kind> = None;
}

impl<T> IsNoMessage for Asked<T> {}

/// The traits of a message whose method the compiler refuses, so that its calls are no errors of their own. Nothing of it runs.
#[doc(hidden)]
#[macro_export]
macro_rules! __broken_message {
    ($name:ident) => {
        #[automatically_derived]
        impl ::core::fmt::Debug for $name {
            fn fmt(&self, _: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::unreachable!()
            }
        }
        #[automatically_derived]
        impl ::core::clone::Clone for $name {
            fn clone(&self) -> Self {
                ::core::unreachable!()
            }
        }
        #[automatically_derived]
        impl ::core::cmp::PartialEq for $name {
            fn eq(&self, _: &Self) -> bool {
                ::core::unreachable!()
            }
        }
        #[automatically_derived]
        impl $crate::__private::serde::Serialize for $name {
            fn serialize<S: $crate::__private::serde::Serializer>(
                &self,
                _: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                ::core::unreachable!()
            }
        }
        #[automatically_derived]
        impl<'de> $crate::__private::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::__private::serde::Deserializer<'de>>(
                _: D,
            ) -> ::core::result::Result<Self, D::Error> {
                ::core::unreachable!()
            }
        }
    };
}
