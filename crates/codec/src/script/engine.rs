//! An engine for each payload.

use std::{cell::Cell, rc::Rc, time::Instant};

use model::{Timestamp, Value};
use rquickjs::{
    CatchResultExt, CaughtError, Context, Ctx, Filter, FromJs, Function, Object, Runtime, Value as Js,
    context::intrinsic::{Date, Eval, Json, MapSet, Promise, RegExp, RegExpCompiler, TypedArrays},
};

use super::{
    Answer, Call, DEADLINE, Error, MEMORY_BYTES_MAX,
    answer::{BYTES_MAX, DEPTH_MAX, VALUES_MAX},
};

const STACK_BYTES_MAX: usize = 256 * 1024;
/// Characters of a message of the program's that are kept.
const MESSAGE_CHARS_MAX: usize = 300;
const WARNINGS_MAX: usize = 16;

/// No proxies, whose traps make built-in loops endless; no clock but the one that is given.
type Language = (Date, Eval, RegExpCompiler, RegExp, Json, MapSet, TypedArrays, Promise);

/// Mute, and without a clock of its own: the same payload gives the same answer whenever it is decoded.
const PRELUDE: &str = "(now) => {
    const Clock = Date;
    globalThis.Date = class Date extends Clock {
        constructor(...given) { if (given.length) super(...given); else super(now); }
        static now() { return now; }
    };
    const mute = () => {};
    globalThis.console = { log: mute, debug: mute, info: mute, warn: mute, error: mute };
}";

/// Which function a program defines, and calls it as the network servers that know it do.
const CALL: &str = "(fPort, bytes, received) => {
    if (typeof decodeUplink === 'function')
        return { uplink: decodeUplink({ bytes, fPort, recvTime: new Date(received), variables: {} }) };
    if (typeof Decode === 'function') return { data: Decode(fPort, bytes, {}) };
    return { data: Decoder(bytes, fPort) };
}";

const HAS_ENTRY: &str = "[typeof decodeUplink, typeof Decode, typeof Decoder].includes('function')";

pub(super) fn check(source: &str) -> Result<(), Error> {
    within_limits(Timestamp::from_millis(0), |js| load(js, source))
}

pub(super) fn run(source: &str, call: Call<'_>) -> Result<Answer, Error> {
    within_limits(call.received_at, |js| {
        // Before the program has a chance to change what it is made of.
        let caller: Function<'_> = js.eval(CALL).catch(js).map_err(|error| failure(&error))?;
        load(js, source)?;
        let received_ms = call.received_at.as_millis() as f64;
        let arguments = (call.f_port, call.payload.to_vec(), received_ms);
        let answered: Object<'_> = caller.call(arguments).catch(js).map_err(|error| failure(&error))?;
        read(js, &answered)
    })
}

/// Runs something in an engine of its own.
fn within_limits<T>(now: Timestamp, work: impl FnOnce(&Ctx<'_>) -> Result<T, Error>) -> Result<T, Error> {
    let runtime = Runtime::new().map_err(|_| Error::Memory)?;
    runtime.set_memory_limit(MEMORY_BYTES_MAX);
    runtime.set_max_stack_size(STACK_BYTES_MAX);
    let is_late = Rc::new(Cell::new(false));
    let (end, late) = (Instant::now() + DEADLINE, Rc::clone(&is_late));
    runtime.set_interrupt_handler(Some(Box::new(move || {
        late.set(late.get() || Instant::now() >= end);
        late.get()
    })));
    let context = Context::custom::<Language>(&runtime).map_err(|_| Error::Memory)?;
    let done = context.with(|js| {
        let prelude: Function<'_> = js.eval(PRELUDE).catch(&js).map_err(|error| failure(&error))?;
        let () = prelude.call((now.as_millis() as f64,)).catch(&js).map_err(|error| failure(&error))?;
        work(&js)
    });
    if is_late.get() { Err(Error::Deadline) } else { done }
}

fn load(js: &Ctx<'_>, source: &str) -> Result<(), Error> {
    let mut options = rquickjs::context::EvalOptions::default();
    // As network servers do: much of what is published declares its variables by using them.
    options.strict = false;
    let () = js.eval_with_options(source, options).catch(js).map_err(|error| failure(&error))?;
    let has_entry: bool = js.eval(HAS_ENTRY).catch(js).map_err(|error| failure(&error))?;
    if has_entry { Ok(()) } else { Err(Error::NoEntry) }
}

fn failure(error: &CaughtError<'_>) -> Error {
    let thrown = match error {
        CaughtError::Error(rquickjs::Error::Allocation) => return Error::Memory,
        CaughtError::Error(error) => error.to_string(),
        CaughtError::Exception(exception) => {
            let object = exception.as_object();
            let name: String = object.get("name").unwrap_or_default();
            let message = exception.message().unwrap_or_default();
            if (name == "InternalError" && message == "out of memory") || message == "Maximum call stack size exceeded"
            {
                return Error::Memory;
            }
            let stack = exception.stack().unwrap_or_default();
            let place = stack.lines().next().map(str::trim).unwrap_or_default().to_owned();
            if place.is_empty() { format!("{name}: {message}") } else { format!("{name}: {message} ({place})") }
        }
        CaughtError::Value(value) => match text(value) {
            Some(text) => text,
            // What is thrown when not even an error can be made.
            None if value.is_null() => return Error::Memory,
            None => format!("it threw a value of type `{}`", value.type_name()),
        },
    };
    Error::Threw(cut(&thrown))
}

fn text(value: &Js<'_>) -> Option<String> {
    value.as_string().and_then(|text| text.to_string().ok())
}

fn cut(text: &str) -> String {
    text.chars().take(MESSAGE_CHARS_MAX).collect()
}

fn read<'js>(js: &Ctx<'js>, answered: &Object<'js>) -> Result<Answer, Error> {
    let mut answer = Answer::default();
    let get = |object: &Object<'js>, name: &str| -> Result<Js<'js>, Error> {
        object.get(name).catch(js).map_err(|error| failure(&error))
    };
    let uplink = get(answered, "uplink")?;
    let data = if let Some(uplink) = uplink.as_object() {
        let errors = messages(js, &get(uplink, "errors")?)?;
        if !errors.is_empty() {
            return Err(Error::Refused(cut(&errors.join("; "))));
        }
        answer.warnings = messages(js, &get(uplink, "warnings")?)?;
        get(uplink, "data")?
    } else {
        get(answered, "data")?
    };
    if !data.is_object() || data.is_function() {
        return Err(Error::Nothing);
    }
    let mut reader = Reader { js, values: Vec::new(), seen: 0, bytes_left: BYTES_MAX };
    reader.read(String::new(), &data, 0)?;
    answer.values = reader.values;
    answer.values.sort_by(|(a, _), (b, _)| a.cmp(b));
    // Two keys may print alike, such as `a.b` and `b` within `a`.
    answer.values.dedup_by(|(a, _), (b, _)| a == b);
    Ok(answer)
}

/// The texts in an array; others are passed over.
fn messages<'js>(js: &Ctx<'js>, value: &Js<'js>) -> Result<Vec<String>, Error> {
    let Some(array) = value.as_array() else { return Ok(text(value).iter().map(|text| cut(text)).collect()) };
    let mut messages = Vec::new();
    for place in 0..array.len().min(WARNINGS_MAX) {
        let message: Js<'js> = array.get(place).catch(js).map_err(|error| failure(&error))?;
        messages.push(
            text(&message).map_or_else(|| format!("a value of type `{}`", message.type_name()), |text| cut(&text)),
        );
    }
    Ok(messages)
}

/// Walks through an answer, as far as one may go.
struct Reader<'a, 'js> {
    js: &'a Ctx<'js>,
    values: Vec<(String, Value)>,
    seen: usize,
    bytes_left: usize,
}

impl<'js> Reader<'_, 'js> {
    fn read(&mut self, path: String, value: &Js<'js>, depth: usize) -> Result<(), Error> {
        self.seen += 1;
        if self.seen > VALUES_MAX || depth > DEPTH_MAX {
            return Err(Error::Many);
        }
        if let Some(array) = value.as_array() {
            for place in 0..array.len() {
                let element: Js<'js> = self.caught(array.get(place))?;
                self.read(format!("{path}[{place}]"), &element, depth + 1)?;
            }
        } else if value.is_function() || value.is_symbol() {
        } else if let Some(object) = value.as_object() {
            for property in object.own_props::<String, Js<'js>>(Filter::new().string().enum_only()) {
                let (key, element) = self.caught(property)?;
                let path = if path.is_empty() { key } else { format!("{path}.{key}") };
                self.read(path, &element, depth + 1)?;
            }
        } else if let Some(value) = self.plain(value)? {
            let bytes = path.len() + if let Value::Text(text) = &value { text.len() } else { 0 };
            self.bytes_left = self.bytes_left.checked_sub(bytes).ok_or(Error::Large)?;
            self.values.push((path, value));
        }
        Ok(())
    }

    /// A number, truth value or text; `None` for what is none, such as null and what is not finite.
    fn plain(&self, value: &Js<'js>) -> Result<Option<Value>, Error> {
        if let Some(is_on) = value.as_bool() {
            return Ok(Some(Value::Number(f64::from(u8::from(is_on)))));
        }
        if value.is_big_int() {
            let number: f64 = self.caught(js_number(self.js, value))?;
            return Ok(number.is_finite().then_some(Value::Number(number)));
        }
        if let Some(text) = value.as_string() {
            let text = self.caught(text.to_string())?;
            return Ok(Some(Value::text(text)));
        }
        Ok(value.as_number().filter(|number| number.is_finite()).map(Value::Number))
    }

    fn caught<T>(&self, result: rquickjs::Result<T>) -> Result<T, Error> {
        result.catch(self.js).map_err(|error| failure(&error))
    }
}

fn js_number<'js>(js: &Ctx<'js>, value: &Js<'js>) -> rquickjs::Result<f64> {
    let number: Function<'js> = js.globals().get("Number")?;
    f64::from_js(js, number.call((value.clone(),))?)
}
