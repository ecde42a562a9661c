'use strict';
// Reads the OpenAPI document and makes a form of each door. Everything shown is set as text, never as markup.

const key = document.getElementById('key');
const doors = document.getElementById('doors');

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  Object.assign(made, attributes);
  made.append(...children);
  return made;
}

// A stream has no end: what comes within three seconds.
async function beginningOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  setTimeout(() => reader.cancel(), 3000);
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done || text.length > 100000) return text;
    text += value;
  }
}

function doorOf(method, path, operation) {
  const fields = (operation.parameters || [])
    .filter(p => p.in === 'path' || p.in === 'query')
    .concat([...path.matchAll(/\{(\w+)\}/g)].map(m => ({ name: m[1], in: 'path' })))
    .filter((p, i, all) => all.findIndex(o => o.name === p.name) === i)
    .map(p => ({ where: p.in, name: p.name, input: element('input', { name: p.name, required: p.in === 'path' }) }));
  const extra = method === 'get' ? element('input', { placeholder: 'limit=10&status=ERROR' }) : null;
  const body = method === 'post' || method === 'put' ? element('textarea', { value: '{}', spellcheck: false }) : null;
  const answer = element('pre', { hidden: true });

  const form = element('form', {},
    ...fields.map(f => element('label', {}, `${f.name} (${f.where})`, f.input)),
    ...(extra ? [element('label', {}, 'query string', extra)] : []),
    ...(body ? [element('label', {}, 'body (JSON)', body)] : []),
    element('button', { type: 'submit' }, 'Try it'), answer);

  form.addEventListener('submit', async event => {
    event.preventDefault();
    answer.hidden = false;
    answer.textContent = '…';
    let url = path;
    const query = new URLSearchParams(extra ? extra.value : '');
    for (const f of fields) {
      if (f.where === 'path') url = url.replace(`{${f.name}}`, encodeURIComponent(f.input.value));
      else if (f.input.value) query.set(f.name, f.input.value);
    }
    const headers = key.value ? { Authorization: `Bearer ${key.value}` } : {};
    if (body) headers['Content-Type'] = 'application/json';
    try {
      const started = performance.now();
      const response = await fetch(url + (query.size ? `?${query}` : ''), { method: method.toUpperCase(), headers, body: body && body.value });
      const endless = (response.headers.get('content-type') || '').startsWith('text/event-stream');
      const text = await (endless ? beginningOf(response.body) : response.text());
      let shown = text;
      try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* shown as it came */ }
      answer.textContent = `${response.status} ${response.statusText}  ${Math.round(performance.now() - started)} ms\n\n${shown}`;
    } catch (error) {
      answer.textContent = `No answer: ${error.message}`;
    }
  });

  return element('details', {}, element('summary', {},
    element('span', { className: 'method' }, method.toUpperCase()),
    element('span', { className: 'path' }, path),
    element('span', {}, operation.summary || '')), form);
}

async function show() {
  const description = await (await fetch('/openapi/v1.json')).json();
  const groups = new Map();
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = (operation.tags || ['Other'])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(doorOf(method, path, operation));
    }
  }
  doors.replaceChildren(...[...groups].flatMap(([tag, all]) => [element('h2', {}, tag), ...all]));
}

show().catch(error => { doors.textContent = `The description cannot be read: ${error.message}`; });
