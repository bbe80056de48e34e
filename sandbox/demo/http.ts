/** JSON over HTTP as a front end would do it: an unexpected status is an error that shows the answer. */

export type Call = {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly body?: unknown;
  readonly token?: string;
  readonly idempotencyKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses that are not an error for the caller; 2xx unless told otherwise. */
  readonly expect?: readonly number[];
};

// oxlint-disable-next-line typescript/no-explicit-any -- the demo reads answers as a curious reader would
export type Json = any;

/** Sends one request and parses the answer. */
export async function callJson(url: string, call: Call = {}): Promise<Json> {
  const response = await fetch(url, {
    method: call.method ?? (call.body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(call.token === undefined ? {} : { authorization: `Bearer ${call.token}` }),
      ...(call.idempotencyKey === undefined ? {} : { 'idempotency-key': call.idempotencyKey }),
      ...call.headers,
    },
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    signal: AbortSignal.timeout(40_000),
  });
  const text = await response.text();
  const accepted = call.expect ? call.expect.includes(response.status) : response.ok;
  if (!accepted)
    throw new Error(`${call.method ?? 'call'} ${url} answered ${response.status}: ${text.slice(0, 600)}`);
  return text === '' ? null : JSON.parse(text);
}

/** Submits an HTML form as a browser would; redirects are left to the caller. */
export const submitForm = (url: string, fields: Readonly<Record<string, string>>): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    body: new URLSearchParams(fields),
    redirect: 'manual',
    signal: AbortSignal.timeout(20_000),
  });

/** Asks again until `look` answers something, or fails with what was waited for. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | null | undefined | false>,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (performance.now() > deadline) throw new Error(`Waited ${timeoutMs / 1_000} s in vain for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
