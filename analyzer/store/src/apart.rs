//! A struct without one of its fields: what is kept beside a snapshot, in a column of its own, is not
//! written into it as well.

use core::fmt::Display;

use serde::ser::{Impossible, SerializeStruct};
use serde::{Serialize, Serializer};

/// A struct, written without the field of that name.
pub(crate) struct Without<'a, T>(pub(crate) &'a T, pub(crate) &'static str);

impl<T: Serialize> Serialize for Without<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(Outer {
            inner: serializer,
            left_out: self.1,
        })
    }
}

/// Takes a struct and nothing else: it stands around the outermost value only.
struct Outer<S> {
    inner: S,
    left_out: &'static str,
}

/// Hands all fields but one on.
struct Fields<S> {
    inner: S,
    left_out: &'static str,
}

impl<S: SerializeStruct> SerializeStruct for Fields<S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), S::Error> {
        if name == self.left_out {
            return self.inner.skip_field(name);
        }
        self.inner.serialize_field(name, value)
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.inner.end()
    }
}

/// What is no struct has no fields to leave out.
fn no_struct<O, E: serde::ser::Error>() -> Result<O, E> {
    Err(E::custom("only a struct can be written without a field"))
}

macro_rules! no_structs {
    ($($name:ident($kind:ty)),* $(,)?) => {
        $(fn $name(self, _: $kind) -> Result<S::Ok, S::Error> {
            no_struct()
        })*
    };
}

impl<S: Serializer> Serializer for Outer<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Impossible<S::Ok, S::Error>;
    type SerializeTuple = Impossible<S::Ok, S::Error>;
    type SerializeTupleStruct = Impossible<S::Ok, S::Error>;
    type SerializeTupleVariant = Impossible<S::Ok, S::Error>;
    type SerializeMap = Impossible<S::Ok, S::Error>;
    type SerializeStruct = Fields<S::SerializeStruct>;
    type SerializeStructVariant = Impossible<S::Ok, S::Error>;

    no_structs! {
        serialize_bool(bool), serialize_i8(i8), serialize_i16(i16), serialize_i32(i32),
        serialize_i64(i64), serialize_u8(u8), serialize_u16(u16), serialize_u32(u32),
        serialize_u64(u64), serialize_f32(f32), serialize_f64(f64), serialize_char(char),
        serialize_str(&str), serialize_bytes(&[u8]), serialize_unit_struct(&'static str),
    }

    fn serialize_struct(
        self,
        name: &'static str,
        fields: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        Ok(Fields {
            inner: self
                .inner
                .serialize_struct(name, fields.saturating_sub(1))?,
            left_out: self.left_out,
        })
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        no_struct()
    }

    fn serialize_some<T: ?Sized + Serialize>(self, _: &T) -> Result<S::Ok, S::Error> {
        no_struct()
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        no_struct()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
    ) -> Result<S::Ok, S::Error> {
        no_struct()
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<S::Ok, S::Error> {
        no_struct()
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<S::Ok, S::Error> {
        no_struct()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        no_struct()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, S::Error> {
        no_struct()
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        no_struct()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        no_struct()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        no_struct()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        no_struct()
    }

    fn collect_str<T: ?Sized + Display>(self, _: &T) -> Result<S::Ok, S::Error> {
        no_struct()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Row {
        id: u64,
        large: Vec<u8>,
        inner: Option<Box<Self>>,
    }

    #[test]
    fn the_field_is_left_out_of_the_outermost_struct_only() {
        let row = |inner| Row {
            id: 1,
            large: vec![7],
            inner,
        };
        let row = row(Some(Box::new(row(None))));
        let text = serde_json::to_string(&Without(&row, "large"));
        assert_eq!(
            text.expect("a struct can be written"),
            r#"{"id":1,"inner":{"id":1,"large":[7],"inner":null}}"#
        );
        assert!(serde_json::to_string(&Without(&7_u64, "large")).is_err());
    }
}
