/** The page in the shop's iframe where the player types the card: it speaks to the vault alone and tells the shop a token. */
import { createHash } from 'node:crypto';

const style = `body{font:16px system-ui,sans-serif;margin:0;padding:8px}label{display:block;margin:0 0 8px}
input{font:inherit;width:100%;box-sizing:border-box;padding:6px}.row{display:flex;gap:8px}
button{font:inherit;padding:8px 16px}[role=alert]{color:#a00;min-height:1.2em;margin:0 0 8px}`;

/** The shop's origin stands in a data attribute, so that the script is the same text, and hash, for every shop. */
const script = `'use strict';
const form = document.querySelector('form');
const message = document.querySelector('[role=alert]');
const button = document.querySelector('button');
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  button.disabled = true;
  message.textContent = '';
  try {
    const [month, year] = form.expiry.value.split('/').map((part) => Number(part.trim()));
    const answer = await fetch('/cards', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        number: form.number.value,
        expiryMonth: month || 0,
        expiryYear: year < 100 ? 2000 + year : year || 0,
        ...(form.cvc.value === '' ? {} : { cvc: form.cvc.value }),
      }),
    });
    const body = await answer.json();
    if (!answer.ok) {
      message.textContent = body.detail || 'This did not work. Try again.';
      return;
    }
    form.reset();
    parent.postMessage({ type: 'pitboss.card-token', token: body.token }, document.body.dataset.shop);
    message.textContent = '';
  } catch {
    message.textContent = 'This did not work. Try again.';
  } finally {
    button.disabled = false;
  }
});`;

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** `shopOrigin` is one of the configured ones: nobody else may frame the page or is told the token. */
export function capturePage(shopOrigin: string): { html: string; headers: Record<string, string> } {
  return {
    html: `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Card</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><style>${style}</style></head>
<body data-shop="${shopOrigin}">
<form autocomplete="on" novalidate>
<label>Card number <input name="number" inputmode="numeric" autocomplete="cc-number" maxlength="23" required></label>
<div class="row">
<label>Expiry (MM/YY) <input name="expiry" autocomplete="cc-exp" placeholder="MM/YY" maxlength="7" required></label>
<label>Security code <input name="cvc" inputmode="numeric" autocomplete="cc-csc" maxlength="4"></label>
</div>
<p role="alert"></p>
<button>Use this card</button>
</form>
<script>${script}</script>
</body></html>
`,
    headers: {
      'content-security-policy': [
        "default-src 'none'",
        `script-src ${hashOf(script)}`,
        `style-src ${hashOf(style)}`,
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        `frame-ancestors ${shopOrigin}`,
      ].join('; '),
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=()',
    },
  };
}
