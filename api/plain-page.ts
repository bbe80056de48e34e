/** The frame of the few pages that a browser opens from a link of ours: no script, nothing loaded, one style. */
import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';

const style = `
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; background: #f3f4f6; color: #111827; }
main { max-width: 28rem; margin: 8vh auto; padding: 2rem; background: #fff; border-radius: 12px; }
h1 { font-size: 1.25rem; margin: 0 0 1rem; }
label { display: block; margin-bottom: .25rem; }
input { width: 100%; box-sizing: border-box; padding: .5rem; font: inherit; }
button { margin-top: 1rem; padding: .6rem 1.2rem; font: inherit; border: 0; border-radius: 8px; background: #1d4ed8; color: #fff; cursor: pointer; }
[role=alert] { color: #b91c1c; }
a { color: #1d4ed8; }
`;

const digestOfStyle = createHash('sha256').update(style).digest('base64');

export const plainPageHeaders = {
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${digestOfStyle}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  'Cache-Control': 'no-store',
  // The address of such a page holds a token.
  'Referrer-Policy': 'no-referrer',
} as const;

export type Html = ReturnType<typeof html>;

/** `body` comes from `html` of Hono, which escapes whatever is put into it. */
export const plainPage = (title: string, body: Html): Html =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <meta name="robots" content="noindex" />
        <title>${title}</title>
        ${raw(`<style>${style}</style>`)}
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html>`;
