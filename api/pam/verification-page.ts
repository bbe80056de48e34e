/** The two small pages of address verification: no script, nothing loaded, a plain form. */

export const pageHeaders = {
  'Content-Security-Policy':
    "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'Cache-Control': 'no-store',
} as const;

const page = (body: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
  `<meta name="robots" content="noindex"><title>Confirm your address</title></head><body><main>${body}</main></body></html>`;

/** `token` has passed the schema of a token: letters, digits, dash and underscore only. */
export const confirmPage = (token: string): string =>
  page(
    `<h1>Confirm your address</h1><form method="post" action="/verify-email">` +
      `<input type="hidden" name="token" value="${token}"><button>Confirm</button></form>`,
  );

/** `sentence` is ours, never a visitor's. */
export const outcomePage = (sentence: string): string => page(`<h1>${sentence}</h1>`);
