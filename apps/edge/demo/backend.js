/** The calls that a backend of an application would make; in development the edge makes them. */

/** @throws Error that says what the edge said */
export async function askBackend(call, fields) {
  const answer = await fetch(`/demo/${call}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(fields),
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail ?? body.title ?? `status ${answer.status}`);
  return body;
}

/** `{apiPort, key}`: where and how to publish from a shell; null where the edge does not know. */
export async function readHints() {
  const answer = await fetch('/demo/hints.json');
  return answer.json();
}
