//! Writing JSON without losing anything: `serde_json` writes `null` for a number that it cannot tell.

use std::cell::RefCell;
use std::fmt::Display;

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// Why a value was not written, and where in it.
#[derive(Debug)]
pub(super) struct Unwritten {
    /// Such as `lines[2].price`.
    pub(super) path: String,
    /// The number that JSON cannot tell, if that is why.
    pub(super) number: Option<f64>,
    pub(super) error: serde_json::Error,
}

/// Writes a value as JSON, but no `null` in the place of a number.
pub(super) fn write<T: Serialize + ?Sized>(value: &T) -> Result<String, Unwritten> {
    let trace = Trace::default();
    let mut json = Vec::with_capacity(128);
    let mut serializer = serde_json::Serializer::new(&mut json);
    let written = value.serialize(Strict {
        inner: &mut serializer,
        trace: &trace,
    });
    let text = written.and_then(|()| String::from_utf8(json).map_err(serde_json::Error::custom));
    text.map_err(|error| trace.unwritten(error))
}

/// The way to what was refused, from the inside out. Nothing is noted as long as all goes well.
#[derive(Default)]
struct Trace {
    steps: RefCell<Vec<String>>,
    number: RefCell<Option<f64>>,
}

impl Trace {
    fn field<T, E>(&self, written: Result<T, E>, name: impl Display) -> Result<T, E> {
        self.step(written, || format!(".{name}"))
    }

    fn element<T, E>(&self, written: Result<T, E>, index: usize) -> Result<T, E> {
        self.step(written, || format!("[{index}]"))
    }

    fn step<T, E>(&self, written: Result<T, E>, step: impl FnOnce() -> String) -> Result<T, E> {
        if written.is_err() {
            self.steps.borrow_mut().push(step());
        }
        written
    }

    fn number<S: Serializer>(&self, number: f64) -> S::Error {
        self.number.replace(Some(number));
        S::Error::custom("not a finite number")
    }

    fn unwritten(self, error: serde_json::Error) -> Unwritten {
        let steps: String = self.steps.into_inner().into_iter().rev().collect();
        Unwritten {
            path: steps.strip_prefix('.').unwrap_or(&steps).to_owned(),
            number: self.number.into_inner(),
            error,
        }
    }
}

/// Passes everything on, but numbers that are not finite.
struct Strict<'t, S> {
    inner: S,
    trace: &'t Trace,
}

/// A part of a value, to be written by [`Strict`] again.
struct Part<'a, T: ?Sized> {
    value: &'a T,
    trace: &'a Trace,
}

impl<T: Serialize + ?Sized> Serialize for Part<'_, T> {
    fn serialize<S: Serializer>(&self, inner: S) -> Result<S::Ok, S::Error> {
        let trace = self.trace;
        self.value.serialize(Strict { inner, trace })
    }
}

/// The parts of a list, a struct or a map.
struct Parts<'t, C> {
    inner: C,
    trace: &'t Trace,
    /// How many were written.
    n: usize,
    /// The name of the variant that they are in.
    variant: Option<&'static str>,
}

impl<'t, S> Strict<'t, S> {
    fn parts<C, E>(
        self,
        variant: Option<&'static str>,
        open: impl FnOnce(S) -> Result<C, E>,
    ) -> Result<Parts<'t, C>, E> {
        Ok(Parts {
            inner: open(self.inner)?,
            trace: self.trace,
            n: 0,
            variant,
        })
    }
}

macro_rules! pass_on {
    ($($method:ident($($value:ident: $of:ty),*);)*) => {$(
        fn $method(self, $($value: $of),*) -> Result<S::Ok, S::Error> {
            self.inner.$method($($value),*)
        }
    )*};
}

impl<'t, S: Serializer> Serializer for Strict<'t, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Parts<'t, S::SerializeSeq>;
    type SerializeTuple = Parts<'t, S::SerializeTuple>;
    type SerializeTupleStruct = Parts<'t, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Parts<'t, S::SerializeTupleVariant>;
    type SerializeMap = Parts<'t, S::SerializeMap>;
    type SerializeStruct = Parts<'t, S::SerializeStruct>;
    type SerializeStructVariant = Parts<'t, S::SerializeStructVariant>;

    pass_on! {
        serialize_bool(value: bool);
        serialize_i8(value: i8);
        serialize_i16(value: i16);
        serialize_i32(value: i32);
        serialize_i64(value: i64);
        serialize_i128(value: i128);
        serialize_u8(value: u8);
        serialize_u16(value: u16);
        serialize_u32(value: u32);
        serialize_u64(value: u64);
        serialize_u128(value: u128);
        serialize_char(value: char);
        serialize_str(value: &str);
        serialize_bytes(value: &[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(name: &'static str);
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str);
    }

    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        if value.is_finite() {
            self.inner.serialize_f32(value)
        } else {
            Err(self.trace.number::<S>(value.into()))
        }
    }

    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        if value.is_finite() {
            self.inner.serialize_f64(value)
        } else {
            Err(self.trace.number::<S>(value))
        }
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let trace = self.trace;
        self.inner.serialize_some(&Part { value, trace })
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let trace = self.trace;
        let part = Part { value, trace };
        self.inner.serialize_newtype_struct(name, &part)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let trace = self.trace;
        let part = Part { value, trace };
        let written = self
            .inner
            .serialize_newtype_variant(name, index, variant, &part);
        trace.field(written, variant)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        self.parts(None, |inner| inner.serialize_seq(len))
    }

    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        self.parts(None, |inner| inner.serialize_tuple(len))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        self.parts(None, |inner| inner.serialize_tuple_struct(name, len))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.parts(Some(variant), |inner| {
            inner.serialize_tuple_variant(name, index, variant, len)
        })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        self.parts(None, |inner| inner.serialize_map(len))
    }

    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        self.parts(None, |inner| inner.serialize_struct(name, len))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        self.parts(Some(variant), |inner| {
            inner.serialize_struct_variant(name, index, variant, len)
        })
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

impl<C> Parts<'_, C> {
    fn element<E>(&mut self, write: impl FnOnce(&mut C, &Trace) -> Result<(), E>) -> Result<(), E> {
        let written = write(&mut self.inner, self.trace);
        let written = self.trace.element(written, self.n);
        self.n += 1;
        self.of_variant(written)
    }

    fn field<E>(
        &mut self,
        name: impl Display,
        write: impl FnOnce(&mut C, &Trace) -> Result<(), E>,
    ) -> Result<(), E> {
        let written = write(&mut self.inner, self.trace);
        let written = self.trace.field(written, name);
        self.of_variant(written)
    }

    fn of_variant<E>(&self, written: Result<(), E>) -> Result<(), E> {
        match self.variant {
            Some(variant) => self.trace.field(written, variant),
            None => written,
        }
    }
}

macro_rules! elements {
    ($($trait:ident::$method:ident),*) => {$(
        impl<C: $trait> $trait for Parts<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                self.element(|inner, trace| inner.$method(&Part { value, trace }))
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        }
    )*};
}
elements!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! fields {
    ($($trait:ident),*) => {$(
        impl<C: $trait> $trait for Parts<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), C::Error> {
                self.field(name, |inner, trace| {
                    inner.serialize_field(name, &Part { value, trace })
                })
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), C::Error> {
                self.inner.skip_field(name)
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        }
    )*};
}
fields!(SerializeStruct, SerializeStructVariant);

impl<C: SerializeMap> SerializeMap for Parts<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        self.inner.serialize_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        self.element(|inner, trace| inner.serialize_value(&Part { value, trace }))
    }

    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), C::Error> {
        let trace = self.trace;
        let written = self.inner.serialize_entry(key, &Part { value, trace });
        trace.step(written, || {
            let key = serde_json::to_string(key).unwrap_or_default();
            format!(".{}", key.trim_matches('"'))
        })
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}
