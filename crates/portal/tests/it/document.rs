//! A page as a browser reads it, and what must not be in it.

use html5ever::{parse_document, tendril::TendrilSink};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

use crate::support::HOST;

/// Elements that would run, load or redirect something.
const BANNED: [&str; 15] = [
    "iframe", "frame", "frameset", "object", "embed", "applet", "base", "style", "svg", "math", "template", "marquee",
    "video", "audio", "portal",
];
/// Attributes that hold an address.
const ADDRESSES: [&str; 9] = ["href", "src", "action", "formaction", "poster", "data", "srcset", "ping", "background"];

/// A page as it was read.
pub(crate) struct Page {
    /// Everything in it that no page of ours has.
    pub(crate) findings: Vec<String>,
    /// Its text as it is seen, and the values of its attributes.
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn read(page: &str) -> Self {
        let dom = parse_document(RcDom::default(), Default::default()).one(page);
        let (mut findings, mut text) = (Vec::new(), String::new());
        walk(&dom.document, &mut findings);
        gather(&dom.document, &mut text);
        Self { findings, text }
    }
}

/// What is wrong with a page.
pub(crate) fn findings(page: &str) -> Vec<String> {
    Page::read(page).findings
}

fn walk(node: &Handle, findings: &mut Vec<String>) {
    match &node.data {
        NodeData::Element { name, attrs, template_contents, .. } => {
            let (element, attributes) = (name.local.to_string(), attrs.borrow());
            let value =
                |wanted: &str| attributes.iter().find(|attr| *attr.name.local == *wanted).map(|attr| &*attr.value);
            if BANNED.contains(&element.as_str()) || !is_name(&element) {
                findings.push(format!("<{element}>"));
            }
            if element == "script" && !value("src").is_some_and(|src| src.starts_with("/assets/")) {
                findings.push(format!("<script src={:?}>", value("src")));
            }
            if element == "link" && !value("href").is_some_and(|href| href.starts_with("/assets/")) {
                findings.push(format!("<link href={:?}>", value("href")));
            }
            if element == "meta" && value("http-equiv").is_some() {
                findings.push("<meta http-equiv>".to_owned());
            }
            for attribute in attributes.iter() {
                let (name, value) = (attribute.name.local.to_string(), &*attribute.value);
                if name.starts_with("on") || name == "style" || name == "srcdoc" || !is_name(&name) {
                    findings.push(format!("<{element} {name}={value:?}>"));
                }
                if ADDRESSES.contains(&name.as_str()) && !is_ours(&element, value) {
                    findings.push(format!("<{element} {name}={value:?}>"));
                }
            }
            if let Some(content) = &*template_contents.borrow() {
                walk(content, findings);
            }
        }
        NodeData::Comment { contents } => findings.push(format!("<!--{contents}-->")),
        _ => {}
    }
    for child in node.children.borrow().iter() {
        walk(child, findings);
    }
}

/// What breaks out of its place leaves names behind that nobody gave.
fn is_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_ours(element: &str, address: &str) -> bool {
    let is_path = address.starts_with('/') && !address.starts_with("//") && !address.starts_with("/\\");
    let is_station = address == format!("http://{HOST}") || address.starts_with(&format!("http://{HOST}/"));
    is_path || address.starts_with(['?', '#']) || is_station || (element == "img" && address.starts_with("data:image/"))
}

fn gather(node: &Handle, text: &mut String) {
    match &node.data {
        NodeData::Text { contents } => text.push_str(&contents.borrow()),
        NodeData::Element { attrs, .. } => {
            for attribute in attrs.borrow().iter() {
                text.push('\u{1}');
                text.push_str(&attribute.value);
                text.push('\u{1}');
            }
        }
        _ => {}
    }
    for child in node.children.borrow().iter() {
        gather(child, text);
    }
}

#[test]
fn what_must_not_be_in_a_page_is_found() {
    for bad in [
        "<script>x</script>",
        "<script src=https://a></script>",
        "<script src=//a></script>",
        "<b onclick=x>",
        "<b style=x>",
        "<a href=javascript:x>",
        "<a href=//a>",
        "<a href='/\\a'>",
        "<a href=' javascript:x'>",
        "<form action=https://a>",
        "<img src=data:text/html,x>",
        "<iframe></iframe>",
        "<base href=/>",
        "<meta http-equiv=refresh>",
        "<svg/onload=x>",
        "<!--x-->",
        "<p a\"b>",
        "<link rel=stylesheet href=/x.css>",
    ] {
        assert!(!findings(bad).is_empty(), "{bad}");
    }
    for fine in ["<a href=/x>y</a>", "<a href='?a=b'>", "<img src='data:image/png;base64,'>", "<p>&lt;script&gt;</p>"] {
        assert!(findings(fine).is_empty(), "{fine}: {:?}", findings(fine));
    }
}
