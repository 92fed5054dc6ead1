// The API reference: every call can be tried with a key of one's own. The key stays in this page.

const keyForm = document.querySelector("form[data-try-key]");
keyForm.addEventListener("submit", (event) => event.preventDefault());

const authorization = () => {
  const [id, key] = ["id", "key"].map((name) => keyForm.elements[name].value.trim());
  return id || key ? { authorization: `Basic ${btoa(`${id}:${key}`)}` } : {};
};

const request = (form) => {
  let path = form.dataset.try;
  const query = new URLSearchParams();
  const body = {};
  for (const { name, value, dataset } of form.querySelectorAll("input[name]")) {
    const text = value.trim();
    if (dataset.in === "path") path = path.replace(`{${name}}`, encodeURIComponent(text));
    else if (text === "" && !("needed" in dataset)) continue;
    else if (dataset.in === "query") query.append(name, text);
    else body[name] = "list" in dataset ? text.split(/[\s,]+/).filter(Boolean) : text;
  }
  const method = form.dataset.method.toUpperCase();
  const takesBody = !["GET", "DELETE"].includes(method);
  const headers = { ...authorization(), ...(takesBody && { "content-type": "application/json" }) };
  const url = query.size ? `${path}?${query}` : path;
  // No cookie goes along: what is tried is what a program would get.
  return [url, { method, headers, credentials: "omit", cache: "no-store", body: takesBody ? JSON.stringify(body) : undefined }];
};

const show = (form, head, text) => {
  const box = form.querySelector("[data-answer]");
  box.hidden = false;
  box.querySelector("[data-answer-head]").textContent = head;
  box.querySelector("code").textContent = text;
};

const pretty = (text) => {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
};

for (const form of document.querySelectorAll("form[data-try]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    let url = form.dataset.try;
    let options = { method: form.dataset.method.toUpperCase() };
    try {
      [url, options] = request(form); // A key of other characters than a header takes is told below.
      const answer = await fetch(url, options);
      const dm = answer.headers.get("api-gateway-mpuo-consume");
      const seconds = answer.headers.get("api-gateway-excute-second");
      const cost = dm === null ? "" : ` · ${dm} dm · ${seconds} s`;
      show(form, `${options.method} ${url} → ${answer.status}${cost}`, pretty(await answer.text()));
    } catch (error) {
      show(form, `${options.method} ${url}`, String(error));
    }
  });
}
